//! Four floats that are added and multiplied at once: an instruction in a component, an array
//! elsewhere.

/// Floats in a vector.
pub(crate) const LANES: usize = 4;

#[cfg(target_feature = "simd128")]
pub(crate) use simd::Lanes;

#[cfg(not(target_feature = "simd128"))]
pub(crate) use array::Lanes;

#[cfg(target_feature = "simd128")]
mod simd {
    use core::arch::wasm32::{
        f32x4, f32x4_add, f32x4_div, f32x4_eq, f32x4_extract_lane, f32x4_gt, f32x4_mul, f32x4_pmax,
        f32x4_pmin, f32x4_splat, f32x4_sqrt, f32x4_sub, v128, v128_and,
    };

    use super::LANES;

    #[derive(Clone, Copy)]
    pub(crate) struct Lanes(v128);

    impl Lanes {
        pub(crate) const ZERO: Self = Self(f32x4(0.0, 0.0, 0.0, 0.0));

        #[inline]
        pub(crate) fn splat(value: f32) -> Self {
            Self(f32x4_splat(value))
        }

        #[inline]
        pub(crate) fn load(&[a, b, c, d]: &[f32; LANES]) -> Self {
            Self(f32x4(a, b, c, d))
        }

        #[inline]
        pub(crate) fn store(self, to: &mut [f32; LANES]) {
            *to = self.parts();
        }

        #[inline]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }

        #[inline]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(f32x4_sub(self.0, other.0))
        }

        #[inline]
        pub(crate) fn mul(self, other: Self) -> Self {
            Self(f32x4_mul(self.0, other.0))
        }

        #[inline]
        pub(crate) fn div(self, other: Self) -> Self {
            Self(f32x4_div(self.0, other.0))
        }

        #[inline]
        pub(crate) fn sqrt(self) -> Self {
            Self(f32x4_sqrt(self.0))
        }

        /// 0 where `of` is missing or infinite.
        #[inline]
        pub(crate) fn where_finite(self, of: Self) -> Self {
            let zero = Self::ZERO.0;
            Self(v128_and(self.0, f32x4_eq(f32x4_mul(of.0, zero), zero)))
        }

        /// 0 where `of` is not above 0.
        #[inline]
        pub(crate) fn where_positive(self, of: Self) -> Self {
            Self(v128_and(self.0, f32x4_gt(of.0, Self::ZERO.0)))
        }

        /// What is not a number stays so.
        #[inline]
        pub(crate) fn clamp(self, low: f32, high: f32) -> Self {
            Self(f32x4_pmin(
                f32x4_pmax(self.0, f32x4_splat(low)),
                f32x4_splat(high),
            ))
        }

        #[inline]
        pub(crate) fn first(self) -> f32 {
            f32x4_extract_lane::<0>(self.0)
        }

        #[inline]
        pub(crate) fn sum(self) -> f32 {
            let [a, b, c, d] = self.parts();
            (a + b) + (c + d)
        }

        fn parts(self) -> [f32; LANES] {
            [
                f32x4_extract_lane::<0>(self.0),
                f32x4_extract_lane::<1>(self.0),
                f32x4_extract_lane::<2>(self.0),
                f32x4_extract_lane::<3>(self.0),
            ]
        }
    }
}

#[cfg(not(target_feature = "simd128"))]
mod array {
    use super::LANES;

    #[derive(Clone, Copy)]
    pub(crate) struct Lanes([f32; LANES]);

    impl Lanes {
        pub(crate) const ZERO: Self = Self([0.0; LANES]);

        #[inline]
        pub(crate) fn splat(value: f32) -> Self {
            Self([value; LANES])
        }

        #[inline]
        pub(crate) fn load(from: &[f32; LANES]) -> Self {
            Self(*from)
        }

        #[inline]
        pub(crate) fn store(self, to: &mut [f32; LANES]) {
            *to = self.0;
        }

        #[inline]
        pub(crate) fn add(self, other: Self) -> Self {
            self.with(other, |a, b| a + b)
        }

        #[inline]
        pub(crate) fn sub(self, other: Self) -> Self {
            self.with(other, |a, b| a - b)
        }

        #[inline]
        pub(crate) fn mul(self, other: Self) -> Self {
            self.with(other, |a, b| a * b)
        }

        #[inline]
        pub(crate) fn div(self, other: Self) -> Self {
            self.with(other, |a, b| a / b)
        }

        #[inline]
        pub(crate) fn sqrt(self) -> Self {
            Self(self.0.map(f32::sqrt))
        }

        /// 0 where `of` is missing or infinite.
        #[inline]
        pub(crate) fn where_finite(self, of: Self) -> Self {
            self.with(of, |value, of| if of.is_finite() { value } else { 0.0 })
        }

        /// 0 where `of` is not above 0.
        #[inline]
        pub(crate) fn where_positive(self, of: Self) -> Self {
            self.with(of, |value, of| if of > 0.0 { value } else { 0.0 })
        }

        /// What is not a number stays so.
        #[inline]
        pub(crate) fn clamp(self, low: f32, high: f32) -> Self {
            Self(self.0.map(|value| value.clamp(low, high)))
        }

        #[inline]
        pub(crate) fn first(self) -> f32 {
            let [first, ..] = self.0;
            first
        }

        #[inline]
        pub(crate) fn sum(self) -> f32 {
            let [a, b, c, d] = self.0;
            (a + b) + (c + d)
        }

        #[inline]
        fn with(self, Self([e, f, g, h]): Self, operation: impl Fn(f32, f32) -> f32) -> Self {
            let Self([a, b, c, d]) = self;
            Self([
                operation(a, e),
                operation(b, f),
                operation(c, g),
                operation(d, h),
            ])
        }
    }
}
