//! Filters are look-ups.
