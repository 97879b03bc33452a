//! Form-encoded requests with bracket notation, such as `metadata[order_id]=ord_1&expand[]=latest_charge`.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::errors::ApiError;

/// The parameters of one request. Keys keep their brackets; a repeated key keeps all its values in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads a query string or a form body. What is not properly encoded is taken literally.
    pub(crate) fn parse(text: &str) -> Self {
        let fields = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(key), decode(value))
            })
            .collect();
        Self { fields }
    }

    /// Parameters that were not sent.
    pub(crate) fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { fields: fields.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect() }
    }

    /// The value of a parameter, named with its brackets.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter as an owned text.
    pub(crate) fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// Whether the parameter, or a part of it, was sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| top_level(key) == name)
    }

    /// The parts of a parameter with brackets, such as `order_id` of `metadata[order_id]`, in order.
    pub(crate) fn parts(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(move |(key, value)| {
            let part = key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((part, value.as_str()))
        })
    }

    /// The values of a list, sent as `name[]=..` or `name[0]=..`.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.parts(name).map(|(_, value)| value.to_owned()).collect()
    }

    /// A whole number.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::invalid(format!("Invalid integer: {text}")).code("parameter_invalid_integer").param(key)
        })
    }

    /// A truth value.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, ApiError> {
        match self.text(key) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(format!("Invalid boolean: {other}")).param(key)),
        }
    }

    /// One of the given values.
    pub(crate) fn choice(&self, key: &str, choices: &[&str]) -> Result<Option<String>, ApiError> {
        match self.text(key) {
            None => Ok(None),
            Some(text) if choices.contains(&text) => Ok(Some(text.to_owned())),
            Some(_) => {
                let (last, others) = choices.split_last().unwrap_or((&"", &[]));
                let message = format!("Invalid {key}: must be one of {}, or {last}", others.join(", "));
                Err(ApiError::invalid(message).param(key))
            }
        }
    }

    /// Refuses parameters that the operation does not know, and empty values where they mean nothing.
    pub(crate) fn accept_only(&self, known: &[&str], may_be_empty: bool) -> Result<(), ApiError> {
        for (key, value) in &self.fields {
            let name = top_level(key);
            if !known.contains(&name) {
                return Err(ApiError::invalid(format!("Received unknown parameter: {name}"))
                    .code("parameter_unknown")
                    .param(name));
            }
            if value.is_empty() && !may_be_empty && name != "metadata" {
                let message = format!(
                    "You passed an empty string for '{key}'. We assume empty values are an attempt to unset a parameter; \
                     however '{key}' cannot be unset. You should remove '{key}' from your request or supply a \
                     non-empty value."
                );
                return Err(ApiError::invalid(message).code("parameter_invalid_empty").param(key));
            }
        }
        Ok(())
    }

    /// A digest of the parameters that does not depend on the order in which they were sent.
    pub(crate) fn fingerprint(&self) -> String {
        let mut fields: Vec<_> = self.fields.iter().collect();
        // The sort is stable, so that the values of one list keep their order.
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut digest = Sha256::new();
        for (key, value) in fields {
            for text in [key, value] {
                digest.update(text.len().to_be_bytes());
                digest.update(text.as_bytes());
            }
        }
        super::ids::hex(&digest.finalize())
    }
}

/// Applies the `metadata` of a request: given keys are set, empty values remove a key, an empty `metadata` removes all.
pub(crate) fn apply_metadata(metadata: &mut BTreeMap<String, String>, form: &Form) -> Result<(), ApiError> {
    let mut changed = metadata.clone();
    if form.text("metadata") == Some("") {
        changed.clear();
    }
    change_metadata(&mut changed, form, "metadata")?;
    *metadata = changed;
    Ok(())
}

/// The metadata that a request gives to something new, under this name.
pub(crate) fn metadata_of(form: &Form, name: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let mut metadata = BTreeMap::new();
    change_metadata(&mut metadata, form, name)?;
    Ok(metadata)
}

fn change_metadata(changed: &mut BTreeMap<String, String>, form: &Form, name: &str) -> Result<(), ApiError> {
    for (key, value) in form.parts(name) {
        if value.is_empty() {
            changed.remove(key);
            continue;
        }
        if key.chars().count() > 40 {
            let message = format!("Metadata keys can be up to 40 characters long, but '{key}' is longer.");
            return Err(ApiError::invalid(message).param(name));
        }
        if value.chars().count() > 500 {
            let message = format!("Metadata values can have up to 500 characters, but the value of '{key}' has more.");
            return Err(ApiError::invalid(message).param(&format!("{name}[{key}]")));
        }
        changed.insert(key.to_owned(), value.to_owned());
    }
    if changed.len() > 50 {
        return Err(ApiError::invalid("Metadata can have up to 50 keys.").param(name));
    }
    Ok(())
}

fn top_level(key: &str) -> &str {
    key.split_once('[').map_or(key, |(name, _)| name)
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = tail.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
                let digits = digits.and_then(|pair| std::str::from_utf8(pair).ok());
                if let Some(byte) = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                    bytes.push(byte);
                    rest = &tail[2..];
                } else {
                    bytes.push(b'%');
                }
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_escapes_are_read() {
        let form = Form::parse("metadata%5Border_id%5D=ord+1%2F2&expand[]=a&expand[]=b&automatic[enabled]=true&x=100%");
        assert_eq!(form.text("metadata[order_id]"), Some("ord 1/2"));
        assert_eq!(form.list("expand"), ["a", "b"]);
        assert_eq!(form.boolean("automatic[enabled]").expect("it is a truth value"), Some(true));
        assert_eq!(form.text("x"), Some("100%"));
        assert!(form.has("metadata") && !form.has("meta"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_is_read(text in ".*") {
            let form = Form::parse(&text);
            form.fingerprint();
            let _ = form.accept_only(&["metadata"], false);
        }
    }

    #[test]
    fn the_fingerprint_ignores_the_order_of_parameters_only() {
        let fingerprint = |text: &str| Form::parse(text).fingerprint();
        assert_eq!(fingerprint("a=1&metadata[x]=2&metadata[y]=3"), fingerprint("metadata[y]=3&metadata[x]=2&a=1"));
        assert_ne!(fingerprint("a=1"), fingerprint("a=2"));
        assert_ne!(fingerprint("a=1&b=2"), fingerprint("a=12&b="));
        assert_ne!(fingerprint("e[]=1&e[]=2"), fingerprint("e[]=2&e[]=1"));
    }

    #[test]
    fn metadata_is_merged_and_unset() {
        let mut metadata = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        apply_metadata(&mut metadata, &Form::parse("metadata[a]=&metadata[c]=3")).expect("the metadata is fine");
        assert_eq!(metadata.into_keys().collect::<String>(), "bc");
    }
}
