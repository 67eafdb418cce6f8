//! The random numbers of `numpy.random.RandomState`: MT19937 and the bounded integers made from it.

const N: usize = 624;
const M: usize = 397;

/// The Mersenne Twister MT19937 (Matsumoto, Nishimura, 1998), seeded as its authors' `init_genrand`.
#[derive(Debug, Clone)]
pub(super) struct Mt19937 {
    state: [u32; N],
    next: usize,
}

impl Mt19937 {
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [0; N];
        let mut last = seed;
        for (slot, i) in state.iter_mut().zip(0..) {
            if i > 0 {
                last = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i);
            }
            *slot = last;
        }
        Self { state, next: N }
    }

    pub(super) fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.twist();
        }
        let y = self.state[self.next];
        self.next += 1;
        let y = y ^ (y >> 11);
        let y = y ^ ((y << 7) & 0x9D2C_5680);
        let y = y ^ ((y << 15) & 0xEFC6_0000);
        y ^ (y >> 18)
    }

    /// A number from 0 to `max` inclusive, `max` over 2^32: numpy's masked rejection, high half drawn first.
    pub(super) fn at_most(&mut self, max: u64) -> u64 {
        let mask = u64::MAX >> max.leading_zeros();
        loop {
            let high = u64::from(self.next_u32()) << 32;
            let value = (high | u64::from(self.next_u32())) & mask;
            if value <= max {
                return value;
            }
        }
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7FFF_FFFF);
            let odd = if y & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_number_is_that_of_the_c_plus_plus_standard() {
        // ISO C++ [rand.predef]: mt19937, default seed 5489.
        let mut random = Mt19937::new(5489);
        let last = (0..10_000).map(|_| random.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }
}
