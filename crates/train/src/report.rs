//! The report of a training: the curves of loss and learning rate, and how the model did, as one HTML page.

use std::fmt::Write as _;

use plotters::prelude::*;

use crate::card::TrainingRecord;
use crate::error::Error;
use crate::evaluate::Score;
use crate::job::TrainEvent;

/// Width and height of a chart, pixels.
const SIZE: (u32, u32) = (880, 320);

/// Points of a curve at most; of more, each shows the mean of its neighbors.
const MAX_POINTS: usize = 400;

type Curve = Vec<(f64, f64)>;

/// The page.
///
/// # Errors
/// `Store` when a chart cannot be drawn.
pub(crate) fn report(training: &TrainingRecord, events: &[TrainEvent]) -> Result<String, Error> {
    let (mut loss, mut rate, mut validation) = (Curve::new(), Curve::new(), Curve::new());
    for event in events {
        match event {
            TrainEvent::Step {
                step,
                loss: nats,
                learning_rate,
                ..
            } => {
                loss.push((*step as f64, *nats));
                rate.push((*step as f64, *learning_rate));
            }
            TrainEvent::Validated { step, loss, .. } => validation.push((*step as f64, *loss)),
            _ => {}
        }
    }
    let losses = chart(
        "loss, nats a token",
        &[("train", thin(loss)), ("validation", validation)],
    )?;
    let rates = chart("learning rate", &[("learning rate", thin(rate))])?;
    Ok(page(training, &losses, &rates))
}

fn page(training: &TrainingRecord, losses: &str, rates: &str) -> String {
    let figures = &training.figures;
    let name = escape(&training.name);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title><style>{STYLE}</style></head>\
         <body><h1>{name}</h1><p>from <code>{}</code>, run {}, engine {}, build <code>{}</code></p>\n<dl>",
        escape(&training.base),
        escape(&training.training),
        escape(&training.engine),
        escape(&training.material.build),
    );
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    for (term, value) in [
        ("held-out loss", number(figures.held_out_loss)),
        ("that of what it was compared with", number(figures.compared_loss)),
        ("lowest validation loss", number(figures.validation_loss)),
        ("steps", figures.steps.to_string()),
        ("tokens", figures.tokens.to_string()),
        ("tokens a second", format!("{:.0}", figures.tokens_per_second)),
        ("peak memory", format!("{} MB", figures.peak_memory / 1_000_000)),
        ("new files", figures.new_files.to_string()),
        ("files replayed", figures.replayed_files.to_string()),
    ] {
        let _ = write!(text, "<dt>{term}</dt><dd>{value}</dd>");
    }
    let _ = write!(
        text,
        "</dl>\n<h2>Loss</h2>\n{losses}\n<h2>Learning rate</h2>\n{rates}\n"
    );
    if let Some(evaluation) = &training.evaluation {
        text.push_str(
            "<h2>Held-out files</h2>\n<table><tr><th>language<th>loss<th>bits a byte<th>tokens<th>loss before</tr>",
        );
        let compared = training.compared.as_ref();
        row(
            &mut text,
            "all",
            evaluation.total,
            compared.map(|compared| compared.total),
        );
        for (language, score) in &evaluation.languages {
            let before = compared.and_then(|compared| compared.languages.get(language)).copied();
            row(&mut text, language, *score, before);
        }
        let holes = evaluation.holes;
        let _ = write!(
            text,
            "</table><p>{} holes filled in: {:.1} % exactly, similarity {:.3}.</p>",
            holes.count,
            100.0 * holes.exact,
            holes.similarity
        );
    }
    text.push_str("</body></html>\n");
    text
}

fn row(text: &mut String, language: &str, score: Score, before: Option<Score>) {
    let before = before.map_or_else(|| "-".to_owned(), |before| format!("{:.4}", before.loss));
    let _ = write!(
        text,
        "<tr><td>{}<td>{:.4}<td>{:.4}<td>{}<td>{before}</tr>",
        escape(language),
        score.loss,
        score.bits_per_byte,
        score.tokens
    );
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:920px;margin:2rem auto;padding:0 1rem;color:#222}\
    dl{display:grid;grid-template-columns:max-content auto;gap:.1rem 1.5rem}dt{color:#666}dd{margin:0}\
    table{border-collapse:collapse}td,th{padding:.2rem .9rem;text-align:right;border-bottom:1px solid #ddd}\
    td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}";

/// Curves over steps, as SVG.
fn chart(title: &str, curves: &[(&str, Curve)]) -> Result<String, Error> {
    let points = || curves.iter().flat_map(|(_, curve)| curve);
    if points().next().is_none() {
        return Ok("<p>Nothing was measured.</p>".to_owned());
    }
    let last = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let (low, high) = points().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)));
    let margin = ((high - low) * 0.05).max(f64::MIN_POSITIVE.max(high.abs() * 1e-3));
    let mut svg = String::new();
    draw(&mut svg, title, curves, last, (low - margin)..(high + margin)).map_err(|error| {
        Error::damaged(
            std::path::Path::new("report.html"),
            format!("a chart cannot be drawn: {error}"),
        )
    })?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    title: &str,
    curves: &[(&str, Curve)],
    last: f64,
    values: std::ops::Range<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    const COLORS: [RGBColor; 2] = [RGBColor(37, 99, 235), RGBColor(220, 88, 42)];
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, values)?;
    chart
        .configure_mesh()
        .x_desc("step")
        .y_desc(title)
        .light_line_style(TRANSPARENT)
        .y_label_formatter(&|y| {
            if y.abs() < 0.01 {
                format!("{y:.1e}")
            } else {
                format!("{y:.2}")
            }
        })
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    for ((name, curve), color) in curves.iter().zip(COLORS) {
        let series = LineSeries::new(curve.iter().copied(), color.stroke_width(2));
        chart
            .draw_series(series)?
            .label(*name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    if curves.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

/// At most [`MAX_POINTS`] points, each the mean of neighbors.
fn thin(curve: Curve) -> Curve {
    if curve.len() <= MAX_POINTS {
        return curve;
    }
    let mean = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let (x, y) = points
            .iter()
            .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        (x / count, y / count)
    };
    curve.chunks(curve.len().div_ceil(MAX_POINTS)).map(mean).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_every_curve_with_its_name() {
        let curves = [
            ("train", vec![(1.0, 3.0), (2.0, 2.0)]),
            ("validation", vec![(2.0, 2.5)]),
        ];
        let svg = chart("loss", &curves).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.contains("validation") && svg.contains("polyline"),
            "{svg}"
        );
        assert!(chart("loss", &[("train", Vec::new())]).unwrap().contains("Nothing"));
        chart("flat", &[("train", vec![(1.0, 0.0), (2.0, 0.0)])]).unwrap();
    }

    #[test]
    fn long_curves_are_thinned_to_means() {
        let curve = thin((0..1000).map(|x| (f64::from(x), 1.0)).collect());
        assert!(curve.len() <= MAX_POINTS && curve.iter().all(|(_, y)| (y - 1.0).abs() < 1e-9));
    }

    #[test]
    fn names_are_shown_as_text() {
        assert_eq!(escape("<b>&"), "&lt;b&gt;&amp;");
    }
}
