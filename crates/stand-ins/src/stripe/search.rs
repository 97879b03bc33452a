//! Stripe's search language, such as `status:'succeeded' AND metadata['order_id']:'ord_1'`.

use super::errors::ApiError;

/// A query whose clauses all have to match, or of which one has to.
#[derive(Debug)]
pub(crate) struct Query {
    clauses: Vec<Clause>,
    any: bool,
}

#[derive(Debug)]
struct Clause {
    negated: bool,
    field: Field,
    operator: Operator,
    value: String,
}

/// What a clause is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A field of the object.
    Named(String),
    /// A key of its metadata.
    Metadata(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    Contains,
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Query {
    /// Reads a query about the given fields and metadata.
    pub(crate) fn parse(text: &str, fields: &[&str]) -> Result<Self, ApiError> {
        let mut scanner = Scanner { rest: text };
        let mut clauses = Vec::new();
        let mut connective = None;
        loop {
            clauses.push(scanner.clause(fields)?);
            scanner.skip_spaces();
            if scanner.rest.is_empty() {
                break;
            }
            let any = if scanner.take_word("AND") {
                false
            } else if scanner.take_word("OR") {
                true
            } else {
                // Clauses that merely follow each other are joined by AND.
                false
            };
            if connective.is_some_and(|connective| connective != any) {
                return Err(unreadable("AND and OR cannot be combined in one query"));
            }
            connective = Some(any);
        }
        Ok(Self { clauses, any: connective.unwrap_or(false) })
    }

    /// Whether an object matches whose fields are looked up by `value_of`.
    pub(crate) fn matches(&self, value_of: impl Fn(&Field) -> Option<String>) -> bool {
        let matches = |clause: &Clause| {
            let holds = value_of(&clause.field).is_some_and(|actual| clause.holds(&actual));
            holds != clause.negated
        };
        if self.any { self.clauses.iter().any(matches) } else { self.clauses.iter().all(matches) }
    }
}

impl Clause {
    fn holds(&self, actual: &str) -> bool {
        let compare = |test: fn(i64, i64) -> bool| match (actual.parse(), self.value.parse()) {
            (Ok(actual), Ok(wanted)) => test(actual, wanted),
            _ => false,
        };
        match self.operator {
            // Searches ignore case.
            Operator::Equals => actual.to_lowercase() == self.value.to_lowercase(),
            Operator::Contains => actual.to_lowercase().contains(&self.value.to_lowercase()),
            Operator::Above => compare(|actual, wanted| actual > wanted),
            Operator::AtLeast => compare(|actual, wanted| actual >= wanted),
            Operator::Below => compare(|actual, wanted| actual < wanted),
            Operator::AtMost => compare(|actual, wanted| actual <= wanted),
        }
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn clause(&mut self, fields: &[&str]) -> Result<Clause, ApiError> {
        self.skip_spaces();
        let negated = self.take('-');
        let name = self.name()?;
        let field = if name == "metadata" {
            if !self.take('[') {
                return Err(unreadable("metadata is searched by key, as in metadata['key']:'value'"));
            }
            let key = self.value()?;
            if !self.take(']') {
                return Err(unreadable("a bracket is not closed"));
            }
            Field::Metadata(key)
        } else if fields.contains(&name.as_str()) {
            Field::Named(name)
        } else {
            return Err(unreadable(&format!("the field {name} cannot be searched")));
        };
        let operator = self.operator()?;
        let value = self.value()?;
        Ok(Clause { negated, field, operator, value })
    }

    fn operator(&mut self) -> Result<Operator, ApiError> {
        for (text, operator) in [
            (">=", Operator::AtLeast),
            ("<=", Operator::AtMost),
            (">", Operator::Above),
            ("<", Operator::Below),
            (":", Operator::Equals),
            ("~", Operator::Contains),
        ] {
            if let Some(rest) = self.rest.strip_prefix(text) {
                self.rest = rest;
                return Ok(operator);
            }
        }
        Err(unreadable("after a field comes one of : ~ < > <= >="))
    }

    fn name(&mut self) -> Result<String, ApiError> {
        let end = self
            .rest
            .find(|character: char| !character.is_ascii_alphanumeric() && character != '_' && character != '.')
            .unwrap_or(self.rest.len());
        if end == 0 {
            return Err(unreadable("a field is missing"));
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(name.to_owned())
    }

    /// A value in single or double quotes, in which a backslash takes the next character literally, or a bare number or word.
    fn value(&mut self) -> Result<String, ApiError> {
        let quote = self.rest.chars().next().filter(|character| matches!(character, '\'' | '"'));
        let Some(quote) = quote else { return self.name() };
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            if character == quote {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
            match character {
                '\\' => value.extend(characters.next().map(|(_, literal)| literal)),
                other => value.push(other),
            }
        }
        Err(unreadable("a quoted value is not closed"))
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, character: char) -> bool {
        self.rest.strip_prefix(character).map(|rest| self.rest = rest).is_some()
    }

    fn take_word(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) if rest.starts_with(char::is_whitespace) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}

fn unreadable(why: &str) -> ApiError {
    let message = format!("We were unable to parse your search query: {why}.");
    ApiError::invalid(message).param("query")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(query: &str) -> Option<bool> {
        let query = Query::parse(query, &["status", "amount"]).ok()?;
        Some(query.matches(|field| match field {
            Field::Named(name) if name == "status" => Some("succeeded".to_owned()),
            Field::Named(name) if name == "amount" => Some("1000".to_owned()),
            Field::Metadata(key) if key == "order_id" => Some("ord_1".to_owned()),
            Field::Named(_) | Field::Metadata(_) => None,
        }))
    }

    #[test]
    fn queries_match_as_documented() {
        for (query, expected) in [
            ("status:'succeeded'", true),
            ("status:\"canceled\"", false),
            ("metadata['order_id']:'ord_1'", true),
            ("metadata[\"order_id\"]:\"ord_2\"", false),
            ("metadata['order_id']:'ord_1' AND status:'canceled'", false),
            ("metadata['order_id']:'ord_1' OR status:'canceled'", true),
            ("-status:'canceled' AND amount>999", true),
            ("amount>=1000 amount<1001", true),
            ("amount<1000", false),
            ("metadata['order_id']~'ord'", true),
            ("-metadata['other']:'x'", true),
        ] {
            assert_eq!(matches(query), Some(expected), "{query}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_searched_is_read_or_refused(text in ".*", key in "[a-z'\"\\\\]*") {
            let _ = matches(&text);
            let _ = matches(&format!("metadata['{key}']:\"{key}\" AND {text}"));
        }
    }

    #[test]
    fn unreadable_queries_are_refused() {
        for query in [
            "",
            "status",
            "status:'open",
            "colour:'red'",
            "metadata:'x'",
            "status:'a' AND amount>1 OR amount<1",
            "(status:'a')",
        ] {
            assert_eq!(matches(query), None, "{query}");
        }
    }
}
