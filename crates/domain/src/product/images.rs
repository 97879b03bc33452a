//! Pictures of products.

use serde::{Deserialize, Serialize};

/// The most pictures of one product.
pub const MAX_IMAGES: usize = 10;

/// The longest address of a picture.
const MAX_LENGTH: usize = 500;

/// The address of a picture: `https` and nothing else, because a shop front shows it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageUrl(String);

/// A text that is no address of a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the address of an image: expected https:// with a host and at most {MAX_LENGTH} characters, others than those of a URL percent-encoded"
)]
pub struct InvalidImageUrl;

impl ImageUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ImageUrl {
    type Error = InvalidImageUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // What RFC 3986, section 2 leaves for the parts of a URL.
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
        let host = text.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
        let has_host = host.is_some_and(|host| host.starts_with(|first: char| first.is_ascii_alphanumeric()));
        if has_host && text.len() <= MAX_LENGTH && text.bytes().all(is_allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidImageUrl)
        }
    }
}

impl From<ImageUrl> for String {
    fn from(url: ImageUrl) -> Self {
        url.0
    }
}

/// The pictures of a product, the most telling first; at most [`MAX_IMAGES`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<ImageUrl>", into = "Vec<ImageUrl>")]
pub struct Images(Vec<ImageUrl>);

/// More pictures than allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} images are too many: the most is {MAX_IMAGES}")]
pub struct TooManyImages(usize);

impl Images {
    /// The addresses.
    pub fn as_slice(&self) -> &[ImageUrl] {
        &self.0
    }
}

impl TryFrom<Vec<ImageUrl>> for Images {
    type Error = TooManyImages;

    fn try_from(urls: Vec<ImageUrl>) -> Result<Self, Self::Error> {
        if urls.len() <= MAX_IMAGES { Ok(Self(urls)) } else { Err(TooManyImages(urls.len())) }
    }
}

impl From<Images> for Vec<ImageUrl> {
    fn from(images: Images) -> Self {
        images.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_shown() {
        for text in ["https://cdn.example.com/a.jpg", "https://example.com?x=%20", "https://1.example:8443/"] {
            assert_eq!(ImageUrl::try_from(text.to_owned()).map(String::from), Ok(text.to_owned()));
        }
        let long = format!("https://example.com/{}", "x".repeat(MAX_LENGTH));
        for text in [
            "",
            "http://example.com",
            "javascript:alert(1)",
            "https://",
            "https:///a",
            "https://a b",
            "https://a/\"",
            &long,
        ] {
            assert_eq!(ImageUrl::try_from(text.to_owned()), Err(InvalidImageUrl), "{text}");
        }
    }

    #[test]
    fn pictures_are_counted() {
        let url = ImageUrl::try_from("https://example.com/a".to_owned()).unwrap();
        assert!(Images::try_from(vec![url.clone(); MAX_IMAGES]).is_ok());
        assert_eq!(Images::try_from(vec![url; MAX_IMAGES + 1]), Err(TooManyImages(MAX_IMAGES + 1)));
    }
}
