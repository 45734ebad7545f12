//! Which known name somebody meant. This module decides how near is near enough to propose it; whoever tells a mistake in a
//! declaration asks here.

/// The name that is closest to `wrong`, if it is close: at most a third of its letters differ.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = known.map(|name| (distance(wrong, name), name));
    far.filter(|(far, name)| *far <= name.len().div_ceil(3)).min().map(|(_, name)| name)
}

/// How many letters have to be put in, taken out or changed (Levenshtein, one row at a time).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
