//! The two loops over every byte: masking and UTF-8 validation.

use std::convert::Infallible;
use std::fmt::{Result, Write as _};
use std::hint::black_box;

use spola_frame::{MaskingKey, Utf8Validator, mask, mask_copy};

use super::timing::Patience;
use crate::cell;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Where a small client frame's payload begins in a buffer.
pub(super) const OFFSET: usize = 6;

const MASK_SIZES: [usize; 7] = [16, 64, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20];
const UTF8_SIZES: [usize; 4] = [16, 125, 1 << 10, 64 << 10];

/// Texts of which the sizes are cut.
const TEXTS: [(&str, &str); 5] = [
    ("ASCII", "The shuttle goes back and forth between the warp threads, and cloth grows. "),
    ("Latin, mixed", "Das Weberschiffchen läuft hin und zurück; où va-t-elle ? Più là, señor. "),
    ("Cyrillic", "Челнок ходит туда и обратно между нитями основы, и ткань растёт. "),
    ("Chinese", "梭子在經線之間來回穿梭，布匹便漸漸織成。"),
    ("emoji, mixed", "ok 👍 deployed 🚀 — thanks! 🎉 see you… 😀 "),
];

/// A function that masks a payload, and the buffer it may copy to.
type Mask = fn(&mut [u8], &mut [u8]);

pub(super) fn masking(page: &mut String, patience: Patience) -> Result {
    let kernels: [(&str, Mask); 6] = [
        ("spola `mask`", |payload, _| {
            mask(payload, MaskingKey::new(KEY), 0);
        }),
        ("spola `mask_copy`", |payload, copy| {
            mask_copy(payload, copy, MaskingKey::new(KEY), 0);
        }),
        ("fastwebsockets `unmask`", |payload, _| fastwebsockets::unmask(payload, KEY)),
        ("sockudo-ws `apply_mask`", |payload, _| sockudo_ws::simd::apply_mask(payload, KEY)),
        ("yawc `apply_mask`", |payload, _| yawc::mask::apply_mask(payload, KEY)),
        ("(a copy)", |payload, copy| copy.copy_from_slice(payload)),
    ];
    heading(page, "Masking, GB/s", &MASK_SIZES)?;
    for (name, kernel) in kernels {
        write!(page, "| {name} |")?;
        for size in MASK_SIZES {
            let mut buffer = vec![0x5a; OFFSET + size];
            let mut copy = vec![0; size];
            let nanoseconds = patience.best(|times| {
                for _ in 0..times {
                    let payload = buffer.get_mut(OFFSET..).unwrap_or_default();
                    kernel(black_box(payload), black_box(&mut copy));
                }
                Ok::<_, Infallible>(())
            });
            write!(page, " {:.1} |", size as f64 / nanoseconds.unwrap_or(f64::NAN))?;
        }
        writeln!(page)?;
    }
    writeln!(page)
}

/// A row for each text and validator; in brackets how much faster than the standard library's.
pub(super) fn utf8(page: &mut String, patience: Patience) -> Result {
    // The first is what `spola-websocket` does with a text that is there as a whole.
    let kernels: [(&str, Valid); 3] = [
        ("`spola-websocket`, whole", |bytes| simdutf8::basic::from_utf8(bytes).is_ok()),
        ("`spola-frame`, for pieces", |bytes| {
            let mut validator = Utf8Validator::new();
            validator.push(bytes).is_ok() && validator.finish().is_ok()
        }),
        ("std", |bytes| std::str::from_utf8(bytes).is_ok()),
    ];
    heading(page, "UTF-8, GB/s (÷ std)", &UTF8_SIZES)?;
    for (text_name, text) in TEXTS {
        let rates = kernels
            .map(|(_, valid)| UTF8_SIZES.map(|size| rate(valid, &cut(text, size), patience)));
        let [.., std] = rates;
        for ((name, _), rates) in kernels.iter().zip(rates) {
            write!(page, "| {text_name}: {name} |")?;
            for (rate, std) in rates.iter().zip(std) {
                write!(page, " {rate:.1} ({:.1}) |", rate / std)?;
            }
            writeln!(page)?;
        }
    }
    writeln!(page)
}

/// Whether bytes are UTF-8.
type Valid = fn(&[u8]) -> bool;

/// Bytes a nanosecond.
fn rate(valid: Valid, bytes: &[u8], patience: Patience) -> f64 {
    let nanoseconds = patience.best(|times| {
        let all = (0..times).all(|_| valid(black_box(bytes)));
        if all { Ok(()) } else { Err("a text that is none") }
    });
    bytes.len() as f64 / nanoseconds.unwrap_or(f64::NAN)
}

fn heading(page: &mut String, title: &str, sizes: &[usize]) -> Result {
    writeln!(page, "## {title}\n")?;
    write!(page, "| |")?;
    sizes.iter().try_for_each(|&size| write!(page, " {} |", cell::bytes(size)))?;
    write!(page, "\n|---|")?;
    sizes.iter().try_for_each(|_| write!(page, "--:|"))?;
    writeln!(page)
}

/// A text repeated up to `size` bytes, or a few fewer so that it ends with a character.
fn cut(text: &str, size: usize) -> Vec<u8> {
    let mut text = text.repeat(size / text.len() + 1);
    text.truncate(text.floor_char_boundary(size));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (name, text) in TEXTS {
            for size in UTF8_SIZES {
                let bytes = cut(text, size);
                assert!(std::str::from_utf8(&bytes).is_ok(), "{name}");
                assert!((size - 3..=size).contains(&bytes.len()), "{name}: {}", bytes.len());
            }
        }
    }

    #[test]
    fn the_tables_have_a_figure_in_every_cell() {
        let mut page = String::new();
        masking(&mut page, Patience::QUICK).unwrap();
        utf8(&mut page, Patience::QUICK).unwrap();
        assert!(!page.contains("NaN"), "{page}");
        assert_eq!(page.matches('(').count(), 2 + 3 * TEXTS.len() * UTF8_SIZES.len(), "{page}");
    }
}
