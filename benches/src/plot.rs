//! A plot of each row: a bar for each contender up to its median, with a line over its quartiles.

use std::fs;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Outcome;
use crate::table::{Cell, Row, shown};

const WIDTH: i32 = 900;
const LEFT: i32 = 250;
const RIGHT: i32 = 110;
const TOP: i32 = 48;
const BAR: i32 = 22;

const OTHERS: RGBColor = RGBColor(150, 170, 190);
const OURS: RGBColor = RGBColor(230, 110, 40);
const SPREAD: RGBColor = RGBColor(60, 60, 60);

/// Writes `ID.svg` for each row into a directory.
pub(crate) fn write_all(rows: &[Row], directory: &Path) -> Outcome<()> {
    fs::create_dir_all(directory)?;
    rows.iter()
        .try_for_each(|row| write(row, &directory.join(format!("{}.svg", row.id))))
}

fn write(row: &Row, file: &Path) -> Outcome<()> {
    let height = TOP + BAR * row.cells.len() as i32 + 12;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let scale = Scale::of(row);
    let scale_name = if scale.is_logarithmic {
        " (logarithmic)"
    } else {
        ""
    };
    let title = format!("{}{scale_name}", row.title);
    area.draw(&Text::new(title, (12, 14), ("sans-serif", 20).into_font()))?;
    for (cell, place) in row.cells.iter().zip(0..) {
        draw(&area, row, cell, TOP + BAR * place, &scale)?;
    }
    area.present()?;
    Ok(())
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    row: &Row,
    cell: &Cell,
    top: i32,
    scale: &Scale,
) -> Outcome<()> {
    let (middle, bottom) = (top + BAR / 2 - 2, top + BAR - 4);
    let colour = if row.is_ours(cell) { OURS } else { OTHERS };
    let text = |pos| {
        ("sans-serif", 16)
            .into_font()
            .into_text_style(area)
            .pos(Pos::new(pos, VPos::Center))
    };
    let end = scale.place(cell.summary.median);
    area.draw(&Text::new(
        cell.contender.clone(),
        (LEFT - 8, middle),
        text(HPos::Right),
    ))?;
    area.draw(&Rectangle::new(
        [(LEFT, top), (end, bottom)],
        colour.filled(),
    ))?;
    let [from, to] =
        [cell.summary.lower_quartile, cell.summary.upper_quartile].map(|value| scale.place(value));
    area.draw(&PathElement::new(
        [(from, middle), (to, middle)],
        SPREAD.stroke_width(2),
    ))?;
    area.draw(&Text::new(
        shown(cell.summary.median, &row.unit),
        (end.max(to) + 6, middle),
        text(HPos::Left),
    ))?;
    Ok(())
}

/// From values to places on the plot.
struct Scale {
    least: f64,
    most: f64,
    is_logarithmic: bool,
}

impl Scale {
    /// Logarithmic where a bar would be too short to be seen otherwise.
    fn of(row: &Row) -> Self {
        let medians = || row.cells.iter().map(|cell| cell.summary.median);
        let least = medians().fold(f64::INFINITY, f64::min);
        let most = row
            .cells
            .iter()
            .map(|cell| cell.summary.upper_quartile)
            .fold(0.0, f64::max);
        let is_logarithmic = least > 0.0 && most > 20.0 * least;
        // The shortest bar still has a length.
        let least = if is_logarithmic { least / 2.0 } else { 0.0 };
        Self {
            least,
            most,
            is_logarithmic,
        }
    }

    fn place(&self, value: f64) -> i32 {
        let part = if self.is_logarithmic {
            (value / self.least).ln() / (self.most / self.least).ln()
        } else {
            value / self.most
        };
        LEFT + (part.clamp(0.0, 1.0) * f64::from(WIDTH - LEFT - RIGHT)) as i32
    }
}
