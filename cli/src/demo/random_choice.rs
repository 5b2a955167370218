//! Random choices between weighted alternatives, in integer arithmetic.

use fastrand::Rng;

/// Picks an alternative with a probability proportional to its weight.
pub(super) fn pick<T: Copy>(rng: &mut Rng, alternatives: &[(T, u32)]) -> T {
    let total: u32 = alternatives.iter().map(|(_, weight)| weight).sum();
    let mut left = rng.u32(..total);
    for &(alternative, weight) in alternatives {
        if left < weight {
            return alternative;
        }
        left -= weight;
    }
    unreachable!("a number below the sum of the weights falls into one of them")
}

/// Picks one of the words, all equally likely.
pub(super) fn any<T: Copy>(rng: &mut Rng, words: &[T]) -> T {
    words[rng.u32(..words.len() as u32) as usize]
}

/// True in `cases` of a hundred cases.
pub(super) fn percent(rng: &mut Rng, cases: u32) -> bool {
    rng.u32(..100) < cases
}
