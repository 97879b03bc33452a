//! Takes secrets out of texts that Stripe sends.

/// The text with everything replaced that looks like an API key, a client secret or a card number.
///
/// Stripe's messages may repeat what was sent. They end up in logs, so what must never be logged is taken out here, once.
pub(crate) fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || character == '_' || character == '*' {
            word.push(character);
        } else {
            push_word(&mut redacted, &word);
            word.clear();
            redacted.push(character);
        }
    }
    push_word(&mut redacted, &word);
    mask_card_numbers(&redacted)
}

fn push_word(text: &mut String, word: &str) {
    const KEY_PREFIXES: [&str; 4] = ["sk_", "rk_", "whsec_", "ek_"];
    let is_secret = KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix)) || word.contains("_secret_");
    text.push_str(if is_secret { "[redacted]" } else { word });
}

/// Replaces runs of 12 to 19 digits, which may be grouped by single spaces or hyphens, when they stand alone.
fn mask_card_numbers(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let within_word = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
        let begins = characters[at].is_ascii_digit() && !within_word;
        let (end, digits) = if begins { digit_run(&characters, at) } else { (at, 0) };
        let stands_alone = characters.get(end).is_none_or(|next| !next.is_alphanumeric() && *next != '_');
        if (12..=19).contains(&digits) && stands_alone {
            masked.push_str("[redacted]");
            at = end;
        } else {
            masked.push(characters[at]);
            at += 1;
        }
    }
    masked
}

fn digit_run(characters: &[char], start: usize) -> (usize, usize) {
    let mut end = start;
    let mut digits = 0;
    while let Some(character) = characters.get(end) {
        if character.is_ascii_digit() {
            digits += 1;
        } else if !(matches!(character, ' ' | '-') && characters.get(end + 1).is_some_and(char::is_ascii_digit)) {
            break;
        }
        end += 1;
    }
    (end, digits)
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn keys_client_secrets_and_card_numbers_are_taken_out() {
        for (text, expected) in [
            ("Invalid API Key provided: sk_test_*****1234", "Invalid API Key provided: [redacted]"),
            ("secret 'pi_1_secret_abc' is wrong", "secret '[redacted]' is wrong"),
            ("card 4242424242424242 refused", "card [redacted] refused"),
            ("card 4242 4242 4242 4242.", "card [redacted]."),
            ("signed with whsec_abc", "signed with [redacted]"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn ids_and_amounts_stay() {
        for text in [
            "No such payment_intent: 'pi_3MtwBwLkdIwHu7ix28a3tqPa'",
            "Refund amount ($1,200.00) is greater than unrefunded amount on charge ($5.00)",
            "pm_123456789012345 is unknown",
            "Invalid integer: 12345",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
