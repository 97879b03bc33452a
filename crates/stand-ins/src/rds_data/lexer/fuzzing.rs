//! What has to hold of every SQL text: the lexer does what a second, slower reading of PostgreSQL's rules says.

use super::{RewriteError, rewrite};

/// Where a character is.
enum Place {
    /// In the statement itself.
    Code,
    /// In an identifier or a key word.
    Identifier,
    /// In a number.
    Number,
    /// In a comment that ends with the line.
    Line,
    /// In that many block comments.
    Block(usize),
    /// In a literal or quoted identifier, in which a backslash may escape.
    Quoted { quote: char, escapes: bool },
    /// Behind an `E'…'`, which goes on if a line break and a quote follow.
    BehindEscapes,
    /// In a literal that ends with these characters.
    Dollar(Vec<char>),
}

/// Checks what the lexer makes of a text.
pub fn sql_parameters(data: &[u8]) {
    let Ok(sql) = std::str::from_utf8(data) else { return };
    let found = rewrite(sql);
    let read = read(sql);
    let Ok(rewritten) = &found else {
        assert_eq!(found.err(), read.err(), "{sql:?}");
        return;
    };
    assert_eq!(Ok((rewritten.sql.clone(), rewritten.names.clone())), read, "{sql:?}");

    // What was rewritten holds no names any more.
    let again = rewrite(&rewritten.sql);
    if rewritten.names.is_empty() {
        assert_eq!(again.as_ref(), Ok(rewritten), "{sql:?}");
    } else {
        assert_eq!(again, Err(RewriteError::Positional("$1".to_owned())), "{sql:?}");
    }
}

fn starts_word(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_' | '\u{80}'..)
}

fn continues_name(c: char) -> bool {
    starts_word(c) || c.is_ascii_digit()
}

fn continues_word(c: char) -> bool {
    continues_name(c) || c == '$'
}

/// The number of a parameter, counted from one in the order in which they occur.
fn number_of(name: String, names: &mut Vec<String>) -> usize {
    let known = names.iter().position(|known| *known == name);
    1 + known.unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// Writes a parameter by its number, apart from a word that it follows.
fn write_parameter(number: usize, written: &mut String) {
    if written.chars().last().is_some_and(continues_word) {
        written.push(' ');
    }
    written.push('$');
    written.push_str(&number.to_string());
}

/// Where the next part of a literal begins, if it has one. Between parts there is white space with a line break, and comments
/// up to their line's end.
fn next_part(text: &[char], mut at: usize) -> Option<usize> {
    let (mut in_comment, mut line_breaks) = (false, 0);
    while let Some(c) = text.get(at) {
        match c {
            '\n' | '\r' => (in_comment, line_breaks) = (false, line_breaks + 1),
            _ if in_comment => {}
            ' ' | '\t' | '\u{b}' | '\u{c}' => {}
            '-' if text.get(at + 1) == Some(&'-') => in_comment = true,
            _ => break,
        }
        at += 1;
    }
    (line_breaks > 0 && text.get(at) == Some(&'\'')).then_some(at + 1)
}

/// The statement with numbered parameters, and their names; character by character.
#[expect(
    clippy::too_many_lines,
    reason = "in one piece, it is something else than the lexer and not the same once more"
)]
fn read(sql: &str) -> Result<(String, Vec<String>), RewriteError> {
    let text: Vec<char> = sql.chars().collect();
    let next_is = |at: usize, c: char| text.get(at) == Some(&c);
    let name_at = |at: usize| text[at..].iter().copied().take_while(|c| continues_name(*c)).collect::<Vec<_>>();
    let mut written = String::new();
    let mut names: Vec<String> = Vec::new();
    let mut place = Place::Code;
    // Whether the first statement has begun, and has ended with a semicolon.
    let (mut begun, mut ended) = (false, false);
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let before = at;
        match &mut place {
            Place::Identifier if continues_word(c) => at += 1,
            Place::Number if c.is_ascii_alphanumeric() || c == '_' => at += 1,
            Place::Line if !matches!(c, '\n' | '\r') => at += 1,
            Place::Block(0) | Place::Identifier | Place::Number | Place::Line => {
                place = Place::Code;
                continue;
            }
            Place::Block(depth) => {
                at += 1;
                if c == '/' && next_is(at, '*') {
                    at += 1;
                    *depth += 1;
                } else if c == '*' && next_is(at, '/') {
                    at += 1;
                    *depth -= 1;
                }
            }
            Place::Quoted { quote, escapes } => {
                at += 1;
                if c == *quote && next_is(at, *quote) || c == '\\' && *escapes && at < text.len() {
                    at += 1;
                } else if c == *quote {
                    place = if *escapes { Place::BehindEscapes } else { Place::Code };
                }
            }
            Place::BehindEscapes => {
                let Some(part) = next_part(&text, at) else {
                    place = Place::Code;
                    continue;
                };
                at = part;
                place = Place::Quoted { quote: '\'', escapes: true };
            }
            Place::Dollar(end) => {
                at += 1;
                if text[at - 1..].starts_with(end) {
                    at += end.len() - 1;
                    place = Place::Code;
                }
            }
            Place::Code if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') => at += 1,
            Place::Code if c == '-' && next_is(at + 1, '-') => place = Place::Line,
            Place::Code if c == '/' && next_is(at + 1, '*') => {
                at += 2;
                place = Place::Block(1);
            }
            Place::Code if c == ';' => {
                at += 1;
                ended = begun;
                continue;
            }
            Place::Code if ended => return Err(RewriteError::MultipleStatements),
            Place::Code => {
                begun = true;
                at += 1;
                match c {
                    '\'' | '"' => place = Place::Quoted { quote: c, escapes: false },
                    'e' | 'E' if next_is(at, '\'') => {
                        at += 1;
                        place = Place::Quoted { quote: '\'', escapes: true };
                    }
                    '$' if text.get(at).is_some_and(char::is_ascii_digit) => {
                        let digits: String = text[at..].iter().take_while(|c| c.is_ascii_digit()).collect();
                        return Err(RewriteError::Positional(format!("${digits}")));
                    }
                    '$' => {
                        let tag = name_at(at);
                        if next_is(at + tag.len(), '$') {
                            at += tag.len() + 1;
                            place = Place::Dollar(text[before..at].to_vec());
                        }
                    }
                    ':' if next_is(at, ':') => at += 1,
                    ':' if text.get(at).copied().is_some_and(starts_word) => {
                        let name = name_at(at);
                        at += name.len();
                        write_parameter(number_of(name.into_iter().collect(), &mut names), &mut written);
                        continue;
                    }
                    _ if starts_word(c) => place = Place::Identifier,
                    _ if c.is_ascii_digit() => place = Place::Number,
                    _ => {}
                }
            }
        }
        if !ended {
            written.extend(&text[before..at]);
        }
    }
    if begun { Ok((written, names)) } else { Err(RewriteError::Empty) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_text_that_was_ever_of_interest_is_read_right() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sql_parameters");
        let texts = corpus.read_dir().expect("a corpus").map(|entry| std::fs::read(entry.expect("a file").path()));
        let read = texts.map(|text| sql_parameters(&text.expect("a text"))).count();
        assert!(read >= 10, "only {read} texts");
    }
}
