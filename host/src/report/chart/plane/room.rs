//! Where numbers and names fit without covering others.

/// A place in the picture's units.
type Place = (f64, f64);

/// Places along a line that are tried, and at which others are looked at.
const STEPS: usize = 64;
/// More room than this is as good as any.
const AMPLE: f64 = 48.0;
/// Half the side of what a number's circle takes.
const CIRCLE: f64 = 11.0;
/// Of a name, at the size that phones use.
const CHAR_WIDTH: f64 = 7.8;
const LINE_HEIGHT: f64 = 16.0;

/// A place on each line, far from the other lines and from places already given; `None` on a line
/// without length.
pub(super) fn on_lines(lines: &[Vec<Place>]) -> Vec<Option<Place>> {
    let walks: Vec<Vec<Place>> = lines.iter().map(|line| walk(line)).collect();
    let mut given: Vec<Option<Place>> = Vec::with_capacity(walks.len());
    for (index, own) in walks.iter().enumerate() {
        let others = walks
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .flat_map(|(_, walk)| walk);
        let others: Vec<Place> = others.copied().collect();
        let nearest = |place: Place, to: &[Place]| {
            to.iter()
                .map(|&other| distance(place, other))
                .fold(AMPLE, f64::min)
        };
        let numbers: Vec<Place> = given.iter().flatten().copied().collect();
        // A number over another is worse than a number over a line; where there is equal room,
        // nearer the middle.
        let covered = |place: Place| (2.2 * CIRCLE - nearest(place, &numbers)).max(0.0);
        let aside = |step: usize| (step as f64 - STEPS as f64 / 2.0).abs();
        let worth = |step: usize, place: Place| {
            nearest(place, &others) - 3.0 * covered(place) - 0.1 * aside(step)
        };
        let inner = own
            .iter()
            .copied()
            .enumerate()
            .skip(STEPS / 12)
            .take(STEPS - STEPS / 6);
        let best = inner
            .map(|(step, place)| (worth(step, place), place))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        given.push(best.map(|(_, place)| place));
    }
    given
}

/// Places along a line, the same length apart.
fn walk(line: &[Place]) -> Vec<Place> {
    let lengths = || {
        line.windows(2).map(|pair| {
            if let [from, to] = pair {
                distance(*from, *to)
            } else {
                0.0
            }
        })
    };
    let total: f64 = lengths().sum();
    let mut places = Vec::with_capacity(STEPS);
    let mut passed = 0.0;
    for (pair, length) in line.windows(2).zip(lengths()) {
        let [from, to] = pair else { continue };
        while places.len() < STEPS {
            let wanted = total * places.len() as f64 / STEPS as f64;
            if length <= 0.0 || wanted > passed + length {
                break;
            }
            let share = (wanted - passed) / length;
            places.push((
                from.0 + share * (to.0 - from.0),
                from.1 + share * (to.1 - from.1),
            ));
        }
        passed += length;
    }
    places
}

fn distance(from: Place, to: Place) -> f64 {
    (from.0 - to.0).hypot(from.1 - to.1)
}

/// Left, top, right, bottom.
type Box = (f64, f64, f64, f64);

/// A name and where it is written.
#[derive(Debug, PartialEq)]
pub(super) struct Name {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

/// Puts each name beside, above or below its spot, whichever covers least and stays within the
/// frame.
pub(super) fn for_names(spots: &[(Place, String)], frame: Box) -> Vec<Name> {
    let mut taken: Vec<Box> = spots
        .iter()
        .map(|&((x, y), _)| around(x, y, CIRCLE, CIRCLE))
        .collect();
    let mut names = Vec::with_capacity(spots.len());
    for ((x, y), text) in spots {
        let half = text.chars().count() as f64 * CHAR_WIDTH / 2.0;
        let (beside, above) = (CIRCLE + 3.0, CIRCLE + LINE_HEIGHT / 2.0);
        let choices = [
            (x + beside, *y, "start", x + beside + half),
            (x - beside, *y, "end", x - beside - half),
            (*x, y - above, "middle", *x),
            (*x, y + above, "middle", *x),
            (
                x + beside - 4.0,
                y - above + 2.0,
                "start",
                x + beside - 4.0 + half,
            ),
            (
                x + beside - 4.0,
                y + above - 2.0,
                "start",
                x + beside - 4.0 + half,
            ),
            (
                x - beside + 4.0,
                y - above + 2.0,
                "end",
                x - beside + 4.0 - half,
            ),
            (
                x - beside + 4.0,
                y + above - 2.0,
                "end",
                x - beside + 4.0 - half,
            ),
        ];
        let cost = |middle: f64, y: f64| {
            let own = around(middle, y, half, LINE_HEIGHT / 2.0);
            let outside = area(own) - common(own, frame);
            10.0 * outside + taken.iter().map(|&other| common(own, other)).sum::<f64>()
        };
        let best = choices
            .into_iter()
            .min_by(|a, b| cost(a.3, a.1).total_cmp(&cost(b.3, b.1)));
        if let Some((x, y, anchor, middle)) = best {
            taken.push(around(middle, y, half, LINE_HEIGHT / 2.0));
            names.push(Name {
                x,
                y,
                anchor,
                text: text.clone(),
            });
        }
    }
    names
}

fn around(x: f64, y: f64, half_width: f64, half_height: f64) -> Box {
    (
        x - half_width,
        y - half_height,
        x + half_width,
        y + half_height,
    )
}

fn area((left, top, right, bottom): Box) -> f64 {
    (right - left).max(0.0) * (bottom - top).max(0.0)
}

fn common(one: Box, other: Box) -> f64 {
    area((
        one.0.max(other.0),
        one.1.max(other.1),
        one.2.min(other.2),
        one.3.min(other.3),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_two_lines_stand_where_they_part() {
        let low = vec![(0.0, 0.0), (200.0, 0.0), (400.0, 0.0)];
        let high = vec![(0.0, 0.0), (200.0, 90.0), (400.0, 0.0)];
        let places = on_lines(&[low, high]);
        let (below, above) = (places[0].unwrap(), places[1].unwrap());
        assert!(
            (100.0..300.0).contains(&below.0) && above.1 > 40.0,
            "{below:?} {above:?}"
        );
        assert!(distance(below, above) > 2.0 * CIRCLE);
    }

    #[test]
    fn a_line_without_length_has_no_number() {
        assert_eq!(
            on_lines(&[vec![], vec![(1.0, 1.0)], vec![(1.0, 1.0), (1.0, 1.0)]]),
            [None, None, None]
        );
    }

    #[test]
    fn names_of_neighbours_do_not_cover_each_other() {
        let spots: Vec<_> = [(100.0, 100.0), (120.0, 102.0), (460.0, 60.0)]
            .map(|place| (place, "isolation-forest".to_owned()))
            .into();
        let names = for_names(&spots, (0.0, 0.0, 480.0, 300.0));
        let boxes: Vec<Box> = names
            .iter()
            .map(|name| {
                let half = name.text.len() as f64 * CHAR_WIDTH / 2.0;
                let middle = match name.anchor {
                    "start" => name.x + half,
                    "end" => name.x - half,
                    _ => name.x,
                };
                around(middle, name.y, half, LINE_HEIGHT / 2.0)
            })
            .collect();
        for (index, one) in boxes.iter().enumerate() {
            assert!(one.0 >= 0.0 && one.2 <= 480.0, "{names:?}");
            assert!(
                boxes
                    .iter()
                    .skip(index + 1)
                    .all(|other| common(*one, *other) == 0.0),
                "{names:?}"
            );
        }
    }
}
