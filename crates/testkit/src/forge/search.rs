//! The words of a search, as GitHub reads them.

use super::Hosted;

/// Whether `hosted` is among what `text` asks for; an error for a word that GitHub would refuse, or that is not known here.
pub(super) fn finds(text: &str, hosted: &Hosted) -> Result<bool, String> {
    let words = words(text)?;
    let fork = words
        .iter()
        .find_map(|word| word.strip_prefix("fork:"))
        .unwrap_or("false");
    let mut found = match fork {
        "true" => true,
        "only" => hosted.parent.is_some(),
        _ => hosted.parent.is_none(),
    };
    for word in &words {
        let Some((name, value)) = word.split_once(':') else {
            found &= hosted.full_name.contains(word.as_str()) || hosted.description.contains(word.as_str());
            continue;
        };
        found &= match name {
            "fork" => true,
            "is" if value == "public" => true,
            "language" => hosted
                .language
                .is_some_and(|language| language.eq_ignore_ascii_case(value)),
            "topic" => hosted.topics.contains(&value),
            "license" => hosted
                .license
                .is_some_and(|license| license.eq_ignore_ascii_case(value)),
            "archived" => hosted.archived == (value == "true"),
            "created" => range(value, seconds)?.contains(&hosted.created),
            "stars" => range(value, |text| text.parse().ok())?.contains(&hosted.stars),
            _ => return Err(format!("unknown qualifier {name}")),
        };
    }
    Ok(found)
}

fn range<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<std::ops::RangeInclusive<T>, String> {
    let (low, high) = text.split_once("..").ok_or_else(|| format!("no range: {text}"))?;
    let end = |text| read(text).ok_or_else(|| format!("no bound: {text}"));
    Ok(end(low)?..=end(high)?)
}

fn seconds(text: &str) -> Option<i64> {
    text.parse().ok().map(jiff::Timestamp::as_second)
}

/// Words at spaces that are not within quotation marks.
fn words(text: &str) -> Result<Vec<String>, String> {
    let parts: Vec<_> = text.split('"').collect();
    if parts.len() % 2 == 0 {
        return Err("an open quotation mark".to_owned());
    }
    let mut words = vec![String::new()];
    for (position, part) in parts.iter().enumerate() {
        for (number, piece) in part.split(' ').enumerate() {
            let is_quoted = position % 2 == 1;
            let last = words.last_mut().expect("one at least");
            if number == 0 || is_quoted {
                last.push_str(if number > 0 { " " } else { "" });
                last.push_str(piece);
            } else {
                words.push(piece.to_owned());
            }
        }
    }
    words.retain(|word| !word.is_empty());
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_at_spaces_outside_of_quotation_marks() {
        assert_eq!(
            words("a language:\"Jupyter Notebook\"  b").unwrap(),
            ["a", "language:Jupyter Notebook", "b"]
        );
        assert!(words("a\"b").is_err());
    }

    #[test]
    fn forks_are_left_out_unless_asked_for() {
        let all = super::super::generate(100, 60);
        let count = |text: &str| all.iter().filter(|hosted| finds(text, hosted).unwrap()).count();
        assert_eq!(
            (count("is:public"), count("fork:true"), count("fork:only")),
            (90, 100, 10)
        );
        assert_eq!(count("fork:true language:rust"), 25);
        assert!(finds("color:red", &all[0]).is_err());
    }
}
