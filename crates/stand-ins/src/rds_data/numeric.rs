//! PostgreSQL's binary `numeric` as decimal text.

/// The value with exactly its scale, as PostgreSQL itself prints it; `None` where the bytes are not a numeric.
pub(super) fn text(raw: &[u8]) -> Option<String> {
    let word = |index: usize| -> Option<u16> {
        let bytes = raw.get(2 * index..2 * index + 2)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    };
    let count = word(0)?;
    let weight = i32::from(word(1)?.cast_signed());
    let sign = match word(2)? {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Some("NaN".into()),
        0xD000 => return Some("Infinity".into()),
        0xF000 => return Some("-Infinity".into()),
        _ => return None,
    };
    let scale = usize::from(word(3)?);
    let digits = (0..usize::from(count)).map(|index| word(4 + index)).collect::<Option<Vec<_>>>()?;
    // Each digit stands for four decimal ones; the first has the weight of that power of 10,000.
    let digit = |power: i32| -> u16 {
        usize::try_from(weight - power).ok().and_then(|index| digits.get(index).copied()).unwrap_or(0)
    };

    let mut whole = String::new();
    for power in (0..=weight).rev() {
        push(&mut whole, digit(power));
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    if scale == 0 {
        return Some(format!("{sign}{whole}"));
    }
    let mut fraction = String::new();
    let mut power = -1;
    while fraction.len() < scale {
        push(&mut fraction, digit(power));
        power -= 1;
    }
    fraction.truncate(scale);
    Some(format!("{sign}{whole}.{fraction}"))
}

fn push(text: &mut String, digit: u16) {
    let decimal = format!("{digit:04}");
    text.push_str(&decimal);
}

#[cfg(test)]
mod tests {
    use super::text;

    fn numeric(weight: i16, sign: u16, scale: u16, digits: &[u16]) -> Option<String> {
        let count = u16::try_from(digits.len()).expect("few digits");
        let words = [count, weight.cast_unsigned(), sign, scale];
        let raw: Vec<u8> = words.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect();
        text(&raw)
    }

    #[test]
    fn numbers_print_with_their_scale() {
        assert_eq!(numeric(0, 0, 0, &[]).as_deref(), Some("0"));
        assert_eq!(numeric(0, 0, 2, &[]).as_deref(), Some("0.00"));
        assert_eq!(numeric(0, 0, 2, &[12, 5000]).as_deref(), Some("12.50"));
        assert_eq!(numeric(-1, 0x4000, 3, &[50]).as_deref(), Some("-0.005"));
        assert_eq!(numeric(-2, 0, 6, &[1200]).as_deref(), Some("0.000012"));
        assert_eq!(numeric(2, 0, 0, &[1]).as_deref(), Some("100000000"));
        assert_eq!(numeric(1, 0, 1, &[12, 34, 5000]).as_deref(), Some("120034.5"));
    }

    #[test]
    fn special_values_have_names() {
        assert_eq!(numeric(0, 0xC000, 0, &[]).as_deref(), Some("NaN"));
        assert_eq!(numeric(0, 0xF000, 0, &[]).as_deref(), Some("-Infinity"));
        assert_eq!(text(&[1, 2, 3]), None);
    }
}
