//! The words by which products are found.

use std::collections::BTreeSet;

/// The most words of a name that are indexed. Each costs one row, and a product with its rows has to fit into one
/// transaction.
const MAX_WORDS: usize = 16;

/// The longest word that is indexed, in characters; longer ones are found by their beginning.
const MAX_WORD_LENGTH: usize = 40;

/// The longest text to search for, in characters.
pub const MAX_SEARCH_LENGTH: usize = 100;

/// The distinct words of a name, without regard to capital letters.
pub(super) fn words_of(name: &str) -> BTreeSet<String> {
    words(name).take(MAX_WORDS).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words: Vec<String> = lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(MAX_WORD_LENGTH).collect())
        .collect();
    words.into_iter()
}

/// What somebody searches for: words, each of which has to be the beginning of a word of the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SearchText {
    /// The longest word: the fewest names have one like it.
    rarest: String,
    all: BTreeSet<String>,
}

/// A text that cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected words with at least one letter or digit, at most {MAX_SEARCH_LENGTH} characters")]
pub struct InvalidSearchText;

impl TryFrom<&str> for SearchText {
    type Error = InvalidSearchText;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.chars().count() > MAX_SEARCH_LENGTH {
            return Err(InvalidSearchText);
        }
        let all: BTreeSet<String> = words(text).collect();
        let rarest = all.iter().max_by_key(|word| word.chars().count()).ok_or(InvalidSearchText)?.clone();
        Ok(Self { rarest, all })
    }
}

impl SearchText {
    /// The word to look up; the others are held against what is found.
    pub(super) fn rarest(&self) -> &str {
        &self.rarest
    }

    /// Whether a product with these words in its name is to be listed where the index has it under `word`: each product
    /// once, under the first of its words that begin with the one looked up.
    pub(super) fn admits(&self, word: &str, words: &BTreeSet<String>) -> bool {
        let first = words.iter().find(|word| word.starts_with(&self.rarest));
        first.is_some_and(|first| first == word)
            && self.all.iter().all(|wanted| words.iter().any(|word| word.starts_with(wanted)))
    }

    /// The text in a form that is the same for all texts that find the same.
    pub(super) fn canonical(&self) -> String {
        self.all.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str) -> SearchText {
        text.try_into().unwrap()
    }

    #[test]
    fn words_are_found_whatever_is_between_them() {
        let found: Vec<_> = words_of("Cast-iron TEAPOT, 0.8 l (Émaillé)").into_iter().collect();
        assert_eq!(found, ["0", "8", "cast", "iron", "l", "teapot", "émaillé"]);
    }

    #[test]
    fn the_index_of_a_name_is_bounded() {
        let many: Vec<_> = (0..100).map(|n| format!("w{n}")).collect();
        assert_eq!(words_of(&many.join(" ")).len(), MAX_WORDS);
        assert_eq!(words_of(&"ü".repeat(200)).pop_first().unwrap().chars().count(), MAX_WORD_LENGTH);
    }

    #[test]
    fn a_text_needs_something_to_search_for() {
        for text in ["", " ", "!?", "–", &"x".repeat(MAX_SEARCH_LENGTH + 1)] {
            assert_eq!(SearchText::try_from(text), Err(InvalidSearchText), "{text}");
        }
        assert_eq!(search("the Green tea").rarest(), "green");
    }

    #[test]
    fn every_word_has_to_be_the_beginning_of_one() {
        let words = words_of("Green teapot");
        assert!(search("tea gre").admits("green", &words) || search("tea gre").admits("teapot", &words));
        for text in ["pot", "tea black", "teapots"] {
            assert!(!words.iter().any(|word| search(text).admits(word, &words)), "{text}");
        }
    }

    #[test]
    fn a_product_is_listed_under_one_of_its_words() {
        let words = words_of("Tea teapot teacup");
        let listed: Vec<_> = words.iter().filter(|word| search("te").admits(word, &words)).collect();
        assert_eq!(listed, ["tea"]);
    }
}
