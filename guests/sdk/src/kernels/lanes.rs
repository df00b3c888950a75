//! Four floats that are added and multiplied at once: an instruction in a component, an array elsewhere.

/// Floats in a vector.
pub(super) const LANES: usize = 4;

#[cfg(target_feature = "simd128")]
pub(super) use simd::Lanes;

#[cfg(not(target_feature = "simd128"))]
pub(super) use array::Lanes;

#[cfg(target_feature = "simd128")]
mod simd {
    use core::arch::wasm32::{f32x4, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat, v128};

    use super::LANES;

    #[derive(Clone, Copy)]
    pub(in crate::kernels) struct Lanes(v128);

    impl Lanes {
        pub(in crate::kernels) const ZERO: Self = Self(f32x4(0.0, 0.0, 0.0, 0.0));

        pub(in crate::kernels) fn splat(value: f32) -> Self {
            Self(f32x4_splat(value))
        }

        pub(in crate::kernels) fn load(&[a, b, c, d]: &[f32; LANES]) -> Self {
            Self(f32x4(a, b, c, d))
        }

        pub(in crate::kernels) fn store(self, to: &mut [f32; LANES]) {
            *to = self.parts();
        }

        pub(in crate::kernels) fn add(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }

        pub(in crate::kernels) fn mul(self, other: Self) -> Self {
            Self(f32x4_mul(self.0, other.0))
        }

        pub(in crate::kernels) fn sum(self) -> f32 {
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
    pub(in crate::kernels) struct Lanes([f32; LANES]);

    impl Lanes {
        pub(in crate::kernels) const ZERO: Self = Self([0.0; LANES]);

        pub(in crate::kernels) fn splat(value: f32) -> Self {
            Self([value; LANES])
        }

        pub(in crate::kernels) fn load(from: &[f32; LANES]) -> Self {
            Self(*from)
        }

        pub(in crate::kernels) fn store(self, to: &mut [f32; LANES]) {
            *to = self.0;
        }

        pub(in crate::kernels) fn add(self, other: Self) -> Self {
            self.with(other, |a, b| a + b)
        }

        pub(in crate::kernels) fn mul(self, other: Self) -> Self {
            self.with(other, |a, b| a * b)
        }

        pub(in crate::kernels) fn sum(self) -> f32 {
            let [a, b, c, d] = self.0;
            (a + b) + (c + d)
        }

        fn with(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
            let mut result = self.0;
            result.iter_mut().zip(other.0).for_each(|(a, b)| *a = operation(*a, b));
            Self(result)
        }
    }
}
