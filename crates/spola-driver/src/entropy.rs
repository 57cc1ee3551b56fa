//! Masking keys.

use spola_websocket::Entropy;

use crate::Runtime;

/// Masking keys from a runtime's random source, which is asked once for many.
pub struct MaskingKeys<R> {
    runtime: R,
    stock: [u8; 256],
    left: usize,
}

impl<R: Runtime> MaskingKeys<R> {
    /// Keys from the random source of `runtime`. Nothing is asked of it yet.
    pub const fn new(runtime: R) -> Self {
        Self { runtime, stock: [0; 256], left: 0 }
    }
}

impl<R: Runtime> Entropy for MaskingKeys<R> {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.left == 0 {
                self.runtime.fill_random(&mut self.stock);
                self.left = self.stock.len();
            }
            self.left -= 1;
            *byte = self.stock[self.left];
        }
    }
}
