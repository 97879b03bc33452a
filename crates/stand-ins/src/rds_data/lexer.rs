//! Rewrites the `:name` parameters of the Data API into PostgreSQL's `$1`, `$2`, ….
//!
//! The lexical rules are those of PostgreSQL's own scanner (section "Lexical Structure" of its manual), as far as
//! they decide whether a colon, a dollar sign or a semicolon belongs to the statement itself or to a literal or
//! comment in it.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

use thiserror::Error;

/// A statement as PostgreSQL wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// The text with every `:name` replaced by its `$n`.
    pub(super) sql: String,
    /// The names in the order of their numbers: `$1` is the first. A repeated name has one number.
    pub(super) names: Vec<String>,
    /// True for `BEGIN` and `START TRANSACTION`, which leave a transaction open on the connection.
    pub(super) opens_transaction: bool,
}

/// Why a text cannot be sent as one statement.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum RewriteError {
    /// Nothing but white space and comments.
    #[error("the SQL text holds no statement")]
    Empty,
    /// Something follows the first statement's semicolon.
    #[error("the SQL text holds more than one statement")]
    MultipleStatements,
    /// A `$1` written by the caller would silently mean one of the named parameters.
    #[error("there is no parameter {0}")]
    Positional(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// White space or a comment.
    Blank(&'a str),
    /// `:name`, with the colon.
    Parameter(&'a str),
    /// `$1`.
    Positional(&'a str),
    Semicolon,
    /// A key word, an unquoted identifier or a number.
    Word(&'a str),
    /// A string literal, a quoted identifier, an operator or any other sign.
    Other(&'a str),
}

/// Replaces the named parameters of the one statement in `sql`.
pub(super) fn rewrite(sql: &str) -> Result<Rewritten, RewriteError> {
    let mut rewritten =
        Rewritten { sql: String::with_capacity(sql.len()), names: Vec::new(), opens_transaction: false };
    let mut empty = true;
    let mut terminated = false;
    for token in Tokens(sql) {
        match token {
            // Without the semicolon, a comment could begin too early: `-;--`.
            Token::Blank(_) if terminated => continue,
            Token::Blank(text) => {
                rewritten.sql.push_str(text);
                continue;
            }
            Token::Semicolon => {
                // One before the statement ends nothing.
                terminated = !empty;
                continue;
            }
            _ if terminated => return Err(RewriteError::MultipleStatements),
            Token::Parameter(text) => push_parameter(&mut rewritten, &text[1..]),
            Token::Positional(text) => return Err(RewriteError::Positional(text.to_owned())),
            Token::Word(text) => {
                if empty {
                    rewritten.opens_transaction =
                        text.eq_ignore_ascii_case("begin") || text.eq_ignore_ascii_case("start");
                }
                rewritten.sql.push_str(text);
            }
            Token::Other(text) => rewritten.sql.push_str(text),
        }
        empty = false;
    }
    if empty {
        return Err(RewriteError::Empty);
    }
    Ok(rewritten)
}

fn push_parameter(rewritten: &mut Rewritten, name: &str) {
    let known = rewritten.names.iter().position(|known| known == name);
    let index = known.unwrap_or_else(|| {
        rewritten.names.push(name.to_owned());
        rewritten.names.len() - 1
    });
    // `a:b` is the word `a` and a parameter, while `a$1` would be one identifier.
    if rewritten.sql.ends_with(is_word_part) {
        rewritten.sql.push(' ');
    }
    rewritten.sql.push('$');
    rewritten.sql.push_str(&(index + 1).to_string());
}

/// The tokens of a text, which put together again give the text.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.0;
        let first = rest.chars().next()?;
        let (length, token): (usize, fn(&'a str) -> Token<'a>) = match first {
            _ if first.is_ascii_whitespace() || first == '\u{b}' => (first.len_utf8(), Token::Blank),
            '-' if rest.starts_with("--") => (line_comment(rest), Token::Blank),
            '/' if rest.starts_with("/*") => (block_comment(rest), Token::Blank),
            '\'' => (quoted(rest, '\''), Token::Other),
            '"' => (quoted(rest, '"'), Token::Other),
            'e' | 'E' if rest[1..].starts_with('\'') => (1 + escape_string(&rest[1..]), Token::Other),
            '$' => dollar(rest),
            ':' => colon(rest),
            ';' => (1, |_| Token::Semicolon),
            _ if is_word_start(first) || first.is_ascii_digit() => (word(rest), Token::Word),
            _ => (first.len_utf8(), Token::Other),
        };
        let (text, rest) = rest.split_at(length);
        self.0 = rest;
        Some(token(text))
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_word_part(c: char) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == '$'
}

/// Length of the run of characters at the start of `text` that satisfy `belongs`.
fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn word(text: &str) -> usize {
    // A dollar sign is part of an identifier but not of a number.
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        run(text, |c| c.is_ascii_alphanumeric() || c == '_')
    } else {
        run(text, is_word_part)
    }
}

fn line_comment(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

/// Block comments nest in PostgreSQL.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// A string literal or quoted identifier, in which the quote itself is written twice. `text` starts with the quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(found) = text[at..].find(quote) {
        at += found + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// An `E'…'` literal without its `E`, with the parts that continue it on following lines.
fn escape_string(text: &str) -> usize {
    let mut at = 0;
    loop {
        at += escape_string_part(&text[at..]);
        match continuation(&text[at..]) {
            Some(gap) => at += gap,
            None => return at,
        }
    }
}

fn escape_string_part(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    // A backslash may stand before a character of several bytes; the text ends here anyway.
    text.len()
}

/// Literals that only white space with a line break (and line comments) separates are one literal of the first's kind.
fn continuation(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut line_break = false;
    loop {
        let rest = &text[at..];
        match rest.chars().next()? {
            '\'' if line_break => return Some(at),
            '\n' | '\r' => {
                line_break = true;
                at += 1;
            }
            ' ' | '\t' | '\u{b}' | '\u{c}' => at += 1,
            '-' if rest.starts_with("--") => at += line_comment(rest),
            _ => return None,
        }
    }
}

/// `$1`, a `$tag$…$tag$` literal, or just the sign.
fn dollar<'a>(text: &'a str) -> (usize, fn(&'a str) -> Token<'a>) {
    let digits = run(&text[1..], |c| c.is_ascii_digit());
    if digits > 0 {
        return (1 + digits, Token::Positional);
    }
    let tag = 1 + run(&text[1..], |c| is_word_part(c) && c != '$');
    if !text[tag..].starts_with('$') {
        return (1, Token::Other);
    }
    let delimiter = &text[..=tag];
    let length = text[delimiter.len()..].find(delimiter).map_or(text.len(), |end| end + 2 * delimiter.len());
    (length, Token::Other)
}

/// `:name`, or `::` of a cast, `:=` of an argument, `:` of an array slice.
fn colon<'a>(text: &'a str) -> (usize, fn(&'a str) -> Token<'a>) {
    let rest = &text[1..];
    if rest.starts_with(':') {
        return (2, Token::Other);
    }
    if rest.starts_with(is_word_start) {
        return (1 + run(rest, |c| is_word_part(c) && c != '$'), Token::Parameter);
    }
    (1, Token::Other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(sql: &str) -> Vec<String> {
        rewrite(sql).expect("one statement").names
    }

    #[track_caller]
    fn unchanged(sql: &str) {
        let rewritten = rewrite(sql).expect("one statement");
        assert_eq!(rewritten.sql, sql);
        assert!(rewritten.names.is_empty(), "{:?}", rewritten.names);
    }

    #[test]
    fn names_become_numbers_in_order_of_appearance() {
        let rewritten = rewrite("INSERT INTO t VALUES (:b, :a_1, :b)").expect("one statement");
        assert_eq!(rewritten.sql, "INSERT INTO t VALUES ($1, $2, $1)");
        assert_eq!(rewritten.names, ["b", "a_1"]);
    }

    #[test]
    fn casts_slices_and_named_arguments_stay() {
        let rewritten = rewrite("SELECT :a::text, x::int[], y[1:2], f(z := 1)").expect("one statement");
        assert_eq!(rewritten.sql, "SELECT $1::text, x::int[], y[1:2], f(z := 1)");
        assert_eq!(rewritten.names, ["a"]);
    }

    #[test]
    fn literals_and_quoted_identifiers_stay() {
        unchanged("SELECT ':a', 'it''s :a', \":a\", \"x\"\" :a\"");
        unchanged(r"SELECT E'\' :a', e'\\', U&'\0041 :a', B'01'");
        unchanged("SELECT $$ :a; $x$ $$, $tag$ :a $$ ' $tag$");
        unchanged("SELECT a$b$c FROM t -- :a $b$ '");
    }

    #[test]
    fn a_backslash_escapes_in_escape_strings_alone() {
        assert_eq!(names(r"SELECT '\', :a"), ["a"]);
        assert_eq!(names(r"SELECT E'\\', :a"), ["a"]);
        assert_eq!(names(r"SELECT name'\', :a"), ["a"]);
        unchanged("SELECT E'x' -- note\n '\\' :a'");
    }

    #[test]
    fn comments_stay_and_nest() {
        unchanged("SELECT 1 /* :a /* :b */ :c */ -- :d");
        assert_eq!(names("SELECT /* ' */ :a -- it's\n, :b"), ["a", "b"]);
    }

    #[test]
    fn a_parameter_next_to_a_word_stays_apart() {
        assert_eq!(rewrite("SELECT a:b").expect("one statement").sql, "SELECT a $1");
    }

    #[test]
    fn one_statement_may_end_with_a_semicolon() {
        assert_eq!(rewrite("SELECT :a; -- done\n").expect("one statement").names, ["a"]);
        assert_eq!(rewrite("SELECT 1; SELECT 2"), Err(RewriteError::MultipleStatements));
        assert_eq!(rewrite("; SELECT 1; -- done\n;").expect("one statement").sql, " SELECT 1");
        assert_eq!(rewrite("SELECT 1 -;-- done").expect("one statement").sql, "SELECT 1 -");
        assert_eq!(rewrite(" ; -- nothing"), Err(RewriteError::Empty));
        unchanged("SELECT ';', $$;$$, \";\" /* ; */");
    }

    #[test]
    fn a_positional_parameter_is_refused() {
        assert_eq!(rewrite("SELECT $2"), Err(RewriteError::Positional("$2".into())));
    }

    #[test]
    fn opening_a_transaction_is_noticed() {
        assert!(rewrite("/* x */ begin").expect("one statement").opens_transaction);
        assert!(rewrite("START TRANSACTION").expect("one statement").opens_transaction);
        assert!(!rewrite("SELECT 'begin'").expect("one statement").opens_transaction);
    }

    /// A piece of SQL in which a colon means nothing, next to what follows it.
    fn opaque() -> impl Strategy<Value = String> {
        let inside = "[a-z:;$ \"é]{0,8}";
        prop_oneof![
            inside.prop_map(|text| format!("'{text}'")),
            inside.prop_map(|text| format!("'{text}'''")),
            inside.prop_map(|text| format!("E'{text}\\''")),
            inside.prop_map(|text| format!("/* {text} /* ' */ */")),
            inside.prop_map(|text| format!("-- {text}'\n")),
            "[a-z:; é']{0,8}".prop_map(|text| format!("$q${text}$q$")),
            "[a-z:;$ é']{0,8}".prop_map(|text| format!("\"{text}\"")),
            "[a-z]{1,4}".prop_map(|text| format!("::{text}")),
            "[a-z]{1,4}(\\$[a-z]{1,3})?".prop_map(|text| format!("{text} ")),
            Just("y[1:2]".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn tokens_put_together_give_the_text(sql in "[a-zE0-9:;$'\"*/\\\\\n é-]{0,40}") {
            let text: String = Tokens(&sql)
                .map(|token| match token {
                    Token::Semicolon => ";",
                    Token::Blank(text)
                    | Token::Parameter(text)
                    | Token::Positional(text)
                    | Token::Word(text)
                    | Token::Other(text) => text,
                })
                .collect();
            prop_assert_eq!(text, sql);
        }

        #[test]
        fn parameters_are_found_among_anything_opaque(
            parts in prop::collection::vec((opaque(), "[a-z_][a-z0-9_]{0,6}"), 1..8)
        ) {
            let mut sql = "SELECT ".to_owned();
            let mut expected: Vec<String> = Vec::new();
            for (opaque, name) in parts {
                sql.push_str(&opaque);
                sql.push_str(" :");
                sql.push_str(&name);
                sql.push(' ');
                if !expected.contains(&name) {
                    expected.push(name);
                }
            }
            prop_assert_eq!(rewrite(&sql).map(|rewritten| rewritten.names), Ok(expected));
        }
    }
}
