//! Whatever a file holds, and whatever a guest hands over, the host refuses it or can use it, and
//! continues.
//!
//! New cases are drawn in each run; one that fails is shrunk, printed and kept. `make fuzz` draws
//! more of them.

mod components;
mod harness;
mod values;
