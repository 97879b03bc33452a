//! Currencies, the smallest and largest amounts, and how Stripe writes amounts in messages.

use super::errors::ApiError;

/// Every currency that Stripe presents prices in.
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd \
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl hrk htg \
    huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mro \
    mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek \
    sgd shp sle sos srd std svc szl thb tjs tnd top try ttd twd tzs uah ugx usdc uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer \
    zar zmw";

/// The largest amount has eight digits.
const MAXIMUM: i64 = 99_999_999;

/// Checks and normalises the code of a currency.
pub(crate) fn parse_currency(text: &str) -> Result<String, ApiError> {
    let code = text.to_ascii_lowercase();
    if CURRENCIES.split_ascii_whitespace().any(|known| known == code) {
        return Ok(code);
    }
    let known = CURRENCIES.split_ascii_whitespace().collect::<Vec<_>>().join(", ");
    let message = format!("Invalid currency: {code}. Stripe currently supports these currencies: {known}");
    Err(ApiError::invalid(message).param("currency"))
}

/// Checks the amount of a payment.
pub(crate) fn check_amount(amount: i64, currency: &str) -> Result<(), ApiError> {
    check_positive(amount, "amount")?;
    let minimum = minimum(currency);
    if amount < minimum {
        let message = format!("Amount must be at least {} {currency}", format_amount(minimum, currency));
        return Err(ApiError::invalid(message).code("amount_too_small").param("amount"));
    }
    if amount > MAXIMUM {
        let message = format!("Amount must be no more than {}", format_amount(MAXIMUM, currency));
        return Err(ApiError::invalid(message).code("amount_too_large").param("amount"));
    }
    Ok(())
}

/// Refuses zero and negative amounts.
pub(crate) fn check_positive(amount: i64, param: &str) -> Result<(), ApiError> {
    if amount >= 1 {
        return Ok(());
    }
    let message = "This value must be greater than or equal to 1.";
    Err(ApiError::invalid(message).code("parameter_invalid_integer").param(param))
}

/// An amount in minor units as people write it.
pub(crate) fn format_amount(amount: i64, currency: &str) -> String {
    let symbol = match currency {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        _ => "",
    };
    let digits = match minor_digits(currency) {
        0 => group(amount),
        3 => format!("{}.{:03}", group(amount / 1000), amount % 1000),
        _ => format!("{}.{:02}", group(amount / 100), amount % 100),
    };
    format!("{symbol}{digits}")
}

/// The smallest amount per currency that Stripe accepts.
fn minimum(currency: &str) -> i64 {
    match currency {
        "gbp" => 30,
        "bgn" => 100,
        "aed" | "myr" | "pln" | "ron" => 200,
        "dkk" => 250,
        "nok" | "sek" => 300,
        "hkd" => 400,
        "mxn" | "thb" => 1_000,
        "czk" => 1_500,
        "huf" => 17_500,
        _ => 50,
    }
}

fn minor_digits(currency: &str) -> u8 {
    match currency {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "ugx" | "vnd" | "vuv"
        | "xaf" | "xof" | "xpf" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

fn group(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_the_digits_of_their_currency() {
        assert_eq!(format_amount(99_999_999, "usd"), "$999,999.99");
        assert_eq!(format_amount(500, "jpy"), "¥500");
        assert_eq!(format_amount(1_234_567, "kwd"), "1,234.567");
    }

    #[test]
    fn limits_depend_on_the_currency() {
        assert!(check_amount(50, "usd").is_ok() && check_amount(49, "usd").is_err());
        assert!(check_amount(30, "gbp").is_ok() && check_amount(1_499, "czk").is_err());
        assert!(check_amount(MAXIMUM, "usd").is_ok() && check_amount(MAXIMUM + 1, "usd").is_err());
        assert!(check_amount(0, "usd").is_err() && check_amount(-1, "usd").is_err());
    }
}
