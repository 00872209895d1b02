//! Randomness that a test can have again.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on, what this thread asks for follows from the seed; with none, it is random again.
/// Other threads are not concerned.
pub(crate) fn seed(seed: Option<u64>) {
    STATE.set(seed);
}

/// The next number of a sequence (SplitMix64): the state is moved on.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Fills a buffer, if this thread has a seed.
pub(super) fn fill(buffer: &mut [u8]) -> bool {
    let Some(mut state) = STATE.get() else { return false };
    for chunk in buffer.chunks_mut(8) {
        let bytes = next(&mut state).to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
    STATE.set(Some(state));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{below, new_uuid};

    #[test]
    fn a_seed_gives_the_same_ids_and_dice_again() {
        let draw = || {
            seed(Some(7));
            let drawn = (new_uuid(1), (0..20).map(|_| below(1_000)).collect::<Vec<_>>());
            seed(None);
            drawn
        };
        assert_eq!(draw(), draw());
        assert_ne!(new_uuid(1), new_uuid(1), "without a seed it is random");
    }
}
