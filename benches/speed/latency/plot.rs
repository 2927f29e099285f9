//! Percentiles as a picture. Each step to the right has ten times fewer calls that are slower.

use std::path::Path;

use plotters::prelude::*;

use super::Latencies;

const SIZE: (u32, u32) = (900, 520);
/// More than there are whole nines in any run, so that each gets its own.
const LABELS: usize = 6;
const COLOURS: [RGBColor; 2] = [RGBColor(0x1f, 0x5f, 0xbf), RGBColor(0xd9, 0x6b, 0x00)];

pub(super) fn draw(file: &Path, title: &str, curves: &[(&str, &Latencies)]) {
    // Beyond this a percentile would be the word of fewer than ten calls.
    let most = curves.iter().map(|(_, latencies)| latencies.len()).min().unwrap() as f64;
    let nines = (most / 10.0).log10();
    let points: Vec<Vec<(f64, f64)>> = curves.iter().map(|(_, latencies)| points(latencies, nines)).collect();
    let micros = points.iter().flatten().map(|(_, micros)| *micros);
    let (least, longest) = micros.fold((f64::MAX, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)));

    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..nines, (least * 0.8..longest * 1.25).log_scale())
        .unwrap();
    chart
        .configure_mesh()
        .x_desc("percentile of calls")
        .x_labels(LABELS)
        .x_label_formatter(&percentile)
        .y_desc("latency at the client, microseconds")
        .y_label_formatter(&|micros| format!("{micros:.0}"))
        .light_line_style(BLACK.mix(0.06))
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 16))
        .draw()
        .unwrap();
    for (((name, _), points), colour) in curves.iter().zip(points).zip(COLOURS) {
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .unwrap()
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .legend_area_size(32)
        .margin(12)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 15))
        .draw()
        .unwrap();
    area.present().unwrap();
}

/// From the fastest call to the given number of nines.
fn points(latencies: &Latencies, nines: f64) -> Vec<(f64, f64)> {
    (0..=400)
        .map(|step| {
            let x = nines * f64::from(step) / 400.0;
            (x, latencies.micros_at(1.0 - 10_f64.powf(-x)))
        })
        .collect()
}

/// 0 is 0 %, 1 is 90 %, 2 is 99 %.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the library's type")]
fn percentile(nines: &f64) -> String {
    let percent = 100.0 * (1.0 - 10_f64.powf(-nines));
    // As many digits as there are nines.
    match *nines {
        few if few < 2.5 => format!("{percent:.0} %"),
        3.0 => format!("{percent:.1} %"),
        4.0 => format!("{percent:.2} %"),
        _ => format!("{percent} %"),
    }
}
