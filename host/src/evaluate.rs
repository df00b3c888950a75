//! What scored rows say about a plug-in.

pub mod figures;
