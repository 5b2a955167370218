//! A small deterministic source of choices (splitmix64).

pub struct Chance {
    state: u64,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance { state: seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x9E37_79B9_7F4A_7C15 }
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        assert!(least <= most, "a choice needs a range");
        let choices = (most - least + 1).unsigned_abs();
        least + i64::try_from(self.next() % choices).expect("ranges are small")
    }

    pub fn percent(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    pub fn place(&mut self, length: usize) -> usize {
        let last = i64::try_from(length).expect("lists are short") - 1;
        usize::try_from(self.between(0, last)).expect("a place is not negative")
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.place(choices.len())].clone()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            let other = self.place(place + 1);
            items.swap(place, other);
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
