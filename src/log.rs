//! One log line for each step of the protocol, with the feature `defmt`; nothing without it.

#[cfg(feature = "defmt")]
macro_rules! step {
    ($($argument:tt)*) => { ::defmt::debug!($($argument)*) };
}

#[cfg(not(feature = "defmt"))]
macro_rules! step {
    ($format:literal $(, $argument:expr)*) => {{ $( let _ = &$argument; )* }};
}
