//! The guide, as what it tells readers to type and what it says that this prints.

use std::fmt;

use anyhow::ensure;

use super::answers::Answer;

/// The guide.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// What it tells readers to type, in its order.
    pub(super) examples: Vec<Example<'a>>,
}

/// Something to type.
#[derive(Debug)]
pub(super) struct Example<'a> {
    /// Where it begins.
    pub(super) line: usize,
    /// The commands.
    pub(super) script: String,
    /// What they print.
    pub(super) answer: Answer<'a>,
}

/// A call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    method: String,
    path: String,
}

/// A fenced block: where it begins, its language, and what is in it.
type Block<'a> = (usize, &'a str, &'a str);

impl<'a> Page<'a> {
    /// Reads the page: a block of shell commands, and the block after it if that shows an answer.
    pub(super) fn parse(text: &'a str) -> anyhow::Result<Self> {
        let mut examples: Vec<Example<'a>> = Vec::new();
        let mut unanswered = false;
        for (line, language, content) in blocks(text) {
            if language == "sh" {
                examples.push(Example { line, script: content.to_owned(), answer: Answer::Nothing });
                unanswered = true;
            } else if let Some(answer) = Answer::parse(language, content) {
                ensure!(unanswered, "docs/api.md:{line}: an answer to nothing");
                let example = examples.last_mut().expect("there is one without an answer");
                example.answer = answer?;
                unanswered = false;
            }
        }
        ensure!(!examples.is_empty(), "the guide has no examples");
        Ok(Self { examples })
    }

    /// The calls of the API in the commands.
    pub(super) fn calls(&self) -> Vec<Call> {
        let commands = self.examples.iter().map(|example| example.script.replace("\\\n", " "));
        let lines: Vec<_> = commands.flat_map(|script| script.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        lines.iter().flat_map(|line| line.split("curl ").skip(1)).filter_map(Call::of_command).collect()
    }
}

/// The fenced blocks of a Markdown text.
fn blocks(text: &str) -> Vec<Block<'_>> {
    const FENCE: &str = "```";
    let mut found = Vec::new();
    let mut open: Option<(usize, &str, usize)> = None;
    let mut offset = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if let Some(language) = line.strip_prefix(FENCE) {
            open = match open {
                None => Some((number + 1, language.trim(), offset + line.len())),
                Some((begin, language, start)) => {
                    found.push((begin, language, &text[start..offset]));
                    None
                }
            };
        }
        offset += line.len();
    }
    found
}

impl Call {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }

    /// What a title such as `GET /api/orders` means.
    pub(super) fn of_title(title: &str) -> Option<Self> {
        title.split_once(' ').map(|(method, path)| Self::new(method, path))
    }

    /// What `curl` with these arguments calls, if that is the API.
    fn of_command(arguments: &str) -> Option<Self> {
        let (_, rest) = arguments.split_once("\"$KASSA/")?;
        let path = rest.split(['"', '?']).next()?;
        let sends = ["--json ", "--data-binary "].iter().any(|option| arguments.contains(option));
        let method = match arguments.split_once("-X ") {
            Some((_, rest)) => rest.split_whitespace().next()?,
            None if sends => "POST",
            None => "GET",
        };
        Some(Self::new(method, &format!("/{path}")))
    }

    /// The operation that serves it: one with just this path, or else one with parameters.
    pub(super) fn served_by<'a>(&self, operations: &'a [Self]) -> Option<&'a Self> {
        operations.iter().find(|operation| *operation == self).or_else(|| operations.iter().find(|o| self.fits(o)))
    }

    fn fits(&self, operation: &Self) -> bool {
        let (own, other): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), operation.path.split('/').collect());
        let same = |(own, other): (&&str, &&str)| own == other || other.starts_with('{');
        self.method == operation.method && own.len() == other.len() && own.iter().zip(&other).all(same)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

#[test]
fn calls_are_read_from_commands() {
    let text = "```sh\n\
                curl -i \"$KASSA/api/orders/$ORDER?a=b\" -H x\n\
                A=$(curl -s \"$KASSA/api/cart/items\" \\\n  --json '{}' | field id)\n\
                curl \"$MAILBOX\"\n\
                curl -X DELETE \"$KASSA/api/cart\"\n\
                ```\n";
    let calls: Vec<_> = Page::parse(text).expect("a page").calls().iter().map(ToString::to_string).collect();
    assert_eq!(calls, ["GET /api/orders/$ORDER", "POST /api/cart/items", "DELETE /api/cart"]);
}

#[test]
fn call_is_served_by_its_own_path_before_one_with_parameters() {
    let operations = [Call::new("GET", "/api/users/{id}"), Call::new("GET", "/api/users/me")];
    let served = |path: &str| Call::new("GET", path).served_by(&operations).map(|call| call.path.clone());
    assert_eq!(served("/api/users/me").as_deref(), Some("/api/users/me"));
    assert_eq!(served("/api/users/$ID").as_deref(), Some("/api/users/{id}"));
    assert_eq!(served("/api/users/$ID/orders"), None);
    assert_eq!(served("/api/user/$ID"), None);
}
