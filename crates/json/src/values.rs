//! Values that are refused with a message that says what is allowed.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, Visitor};

/// A whole number from `MIN` to `MAX`. Every other number or type is refused with a message that names the range,
/// which the error of a plain integer does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InRange<const MIN: i64, const MAX: i64>;

        impl<const MIN: i64, const MAX: i64> InRange<MIN, MAX> {
            fn refuse<E: de::Error>(number: impl fmt::Display) -> E {
                E::custom(format!("{number} is not allowed: expected a whole number from {MIN} to {MAX}"))
            }
        }

        impl<const MIN: i64, const MAX: i64> Visitor<'_> for InRange<MIN, MAX> {
            type Value = Whole<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                if (MIN..=MAX).contains(&number) { Ok(Whole(number)) } else { Err(Self::refuse(number)) }
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                match i64::try_from(number) {
                    Ok(number) => self.visit_i64(number),
                    Err(_) => Err(Self::refuse(number)),
                }
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
                Err(Self::refuse(number))
            }
        }

        deserializer.deserialize_any(InRange)
    }
}

/// A JSON object, and nothing else: the derived `Deserialize` of a struct takes an array of its fields as well.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// One of a few texts, the names of the variants of an enum. Every other text or type is refused with a message that names
/// them; the derived `Deserialize` of an enum takes what is no text for no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Name<T> {
            type Value = Choice<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Only the error about a name that is none tells the others.
                let nothing: de::value::StrDeserializer<'_, de::value::Error> = "".into_deserializer();
                let error = T::deserialize(nothing).err().map(|error| error.to_string()).unwrap_or_default();
                f.write_str(error.strip_prefix("unknown variant ``, expected ").unwrap_or("a text"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(Choice)
            }
        }

        deserializer.deserialize_any(Name(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn what_is_not_to_be_chosen_is_refused_with_what_is() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(rename_all = "snake_case")]
        enum Colour {
            Red,
            DarkBlue,
        }

        let chosen = serde_json::from_str::<Choice<Colour>>("\"dark_blue\"").expect("a colour");
        assert_eq!(chosen, Choice(Colour::DarkBlue));
        assert!(serde_json::from_str::<Option<Choice<Colour>>>("null").expect("none").is_none());
        for text in ["\"\"", "\"Red\"", "7", "1.5", "true", "null", "[]", "{}", "{\"red\":1}"] {
            let error = serde_json::from_str::<Choice<Colour>>(text).expect_err(text);
            assert!(error.is_data(), "{text}: {error}");
            assert!(error.to_string().contains("expected `red` or `dark_blue`"), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_outside_the_range_are_refused_with_the_range() {
        for text in ["0", "-1", "1000", "1.5", "1e2", "9223372036854775808", "18446744073709551616", "1e300"] {
            let error = serde_json::from_str::<Whole<1, 999>>(text).expect_err(text).to_string();
            assert!(error.contains("expected a whole number from 1 to 999"), "{text}: {error}");
        }
        for text in ["\"1\"", "null", "true", "[]", "{}"] {
            let error = serde_json::from_str::<Whole<1, 999>>(text).expect_err(text).to_string();
            assert!(error.contains("expected a whole number from 1 to 999"), "{text}: {error}");
        }
        assert_eq!(serde_json::from_str::<Whole<1, 999>>("999").expect("in range").get(), 999);
    }

    #[test]
    fn an_array_is_no_object() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only whether it can be read is of interest")]
        struct Pair {
            first: i64,
            second: String,
        }

        assert!(serde_json::from_str::<Pair>(r#"[1,"a"]"#).is_ok(), "what serde derives takes it");
        let error = serde_json::from_str::<Object<Pair>>(r#"[1,"a"]"#).expect_err("an array");
        assert!(error.to_string().contains("expected a JSON object"), "{error}");
        assert!(serde_json::from_str::<Object<Pair>>(r#"{"first":1,"second":"a"}"#).is_ok());
    }
}
