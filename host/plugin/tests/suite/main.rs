//! The promises of the plug-in runtime, kept against real components, well-behaved and misbehaving
//! ones.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod loading;
#[cfg(test)]
mod native;
#[cfg(test)]
mod quarantine;
#[cfg(test)]
mod working;
