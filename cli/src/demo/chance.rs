//! Choices between weighted alternatives, in whole numbers.

use fastrand::Rng;

/// One of the alternatives, each as likely as its weight says.
pub(super) fn pick<T: Copy>(chance: &mut Rng, alternatives: &[(T, u32)]) -> T {
    let total: u32 = alternatives.iter().map(|(_, weight)| weight).sum();
    let mut left = chance.u32(..total);
    for &(alternative, weight) in alternatives {
        if left < weight {
            return alternative;
        }
        left -= weight;
    }
    unreachable!("what is below the sum of the weights is below one of them")
}

/// One of the words, all equally likely.
pub(super) fn any<T: Copy>(chance: &mut Rng, words: &[T]) -> T {
    words[chance.u32(..words.len() as u32) as usize]
}

/// Whether something happens that happens in so many of a hundred cases.
pub(super) fn percent(chance: &mut Rng, cases: u32) -> bool {
    chance.u32(..100) < cases
}
