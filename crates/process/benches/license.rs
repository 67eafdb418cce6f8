//! Speed of license identification.

use codelupe_process::LicenseDetector;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// Reading the SPDX texts and identifying the first file.
#[divan::bench]
fn first_use(bencher: Bencher<'_, '_>) {
    bencher.bench(|| LicenseDetector::default().identify(black_box("Permission is hereby granted")));
}

#[divan::bench(args = ["MIT", "Apache-2.0", "GPL-3.0-only"])]
fn exact(bencher: Bencher<'_, '_>, id: &str) {
    let detector = warm();
    let text = text(id);
    bencher.bench(|| detector.identify(black_box(text)));
}

#[divan::bench(args = ["MIT", "Apache-2.0", "GPL-3.0-only"])]
fn changed(bencher: Bencher<'_, '_>, id: &str) {
    let detector = warm();
    let text = format!("The project\n\n{}", text(id));
    bencher.bench(|| detector.identify(black_box(&text)));
}

#[divan::bench]
fn unknown_64_kib(bencher: Bencher<'_, '_>) {
    let detector = warm();
    let text = "the software and of the license in this copyright notice ".repeat(1200);
    bencher.bench(|| detector.identify(black_box(&text)));
}

fn warm() -> LicenseDetector {
    let detector = LicenseDetector::default();
    detector.identify("warm");
    detector
}

fn text(id: &str) -> &'static str {
    spdx::license_id(id).map_or("", spdx::LicenseId::text)
}
