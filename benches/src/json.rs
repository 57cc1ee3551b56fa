//! Texts worth compressing: what a chat or a shared board sends.

use std::fmt::Write;

/// Bytes of a cycle at least: more than twice the window of 32 KiB, so that a text is not found
/// whole in the context that the cycle before it left.
const CYCLE: usize = 80 << 10;

const NAMES: [&str; 8] = ["Ada", "Björn", "Chiara", "Dimitri", "Emeka", "Fatima", "Giulia", "Hana"];
const ROOMS: [&str; 5] = ["general", "deployments", "weaving", "off-topic", "support"];
const WORDS: [&str; 32] = [
    "the", "loom", "is", "ready", "when", "you", "are", "please", "look", "at", "this", "draft",
    "before", "noon", "thanks", "I", "moved", "it", "to", "another", "board", "tomorrow", "works",
    "for", "me", "too", "café", "naïve", "😀", "done", "shipping", "again",
];

/// A cycle of different texts of about `size` bytes each: never more, and less by one entry at most.
pub(crate) fn messages(size: usize) -> Vec<Vec<u8>> {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let count = CYCLE.div_ceil(size.max(1)).clamp(4, 512);
    (0..count).map(|number| message(number, size, &mut chance).into_bytes()).collect()
}

fn message(number: usize, size: usize, chance: &mut Chance) -> String {
    let room = chance.pick(&ROOMS);
    let mut text =
        format!("{{\"type\":\"history\",\"seq\":{number},\"room\":\"{room}\",\"entries\":[");
    let mut first = true;
    loop {
        let entry = entry(chance);
        if !first && text.len() + entry.len() + 3 > size {
            break;
        }
        if !first {
            text.push(',');
        }
        text.push_str(&entry);
        first = false;
    }
    text.push_str("]}");
    text
}

fn entry(chance: &mut Chance) -> String {
    let mut text = String::new();
    // Writing to a `String` does not fail.
    let _ = write!(
        text,
        "{{\"id\":\"{:016x}\",\"user\":{{\"id\":{},\"name\":\"{}\"}},\"at\":17{:011},\"text\":\"",
        chance.next(),
        chance.below(100_000),
        chance.pick(&NAMES),
        chance.below(100_000_000_000),
    );
    for word in 0..4 + chance.below(9) {
        if word > 0 {
            text.push(' ');
        }
        text.push_str(chance.pick(&WORDS));
    }
    let _ = write!(
        text,
        "\",\"edited\":{},\"x\":{}.{:03},\"reactions\":{}}}",
        chance.below(4) == 0,
        chance.below(1920),
        chance.below(1000),
        chance.below(12),
    );
    text
}

/// Numbers that look random and are the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let index = self.below(from.len() as u64) as usize;
        from.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_about_the_size() {
        for size in [1024, 16 * 1024] {
            let texts = messages(size);
            for text in &texts {
                assert!((size - 300..=size).contains(&text.len()), "{} for {size}", text.len());
            }
            assert!(texts.concat().len() > 64 << 10, "longer than two windows");
        }
    }

    #[test]
    fn texts_differ_and_are_the_same_each_time() {
        let texts = messages(1024);
        assert_ne!(texts[0], texts[1]);
        assert_eq!(texts, messages(1024));
    }
}
