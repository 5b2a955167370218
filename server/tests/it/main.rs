//! The HTTP face, as its clients see it.

mod contract;
