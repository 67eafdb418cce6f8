//! Every operation's way back against finite differences of its way there.

use codelupe_model::{AttentionBack, AttentionShape, Cpu, DropoutMask, Norm, Ops, Qkv, QkvMut, Rotation};
use codelupe_model::{Mat, MatMut, Weight};

/// Values between -1 and 1 that look random.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 37 + seed * 101) as f32 * 0.618).sin())
        .collect()
}

/// Checks the gradient of Σ weightᵢ f(x)ᵢ at some places of x against central differences.
fn check(name: &str, x: &[f32], gradient: &[f32], f: impl Fn(&[f32]) -> f64) {
    const STEP: f32 = 1e-2;
    assert_eq!(x.len(), gradient.len());
    let largest = gradient.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.0, "{name}: the gradient is zero");
    for place in (0..x.len()).step_by(x.len().div_ceil(40)) {
        let at = |step: f32| {
            let mut x = x.to_vec();
            x[place] += step;
            f(&x)
        };
        let expected = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
        let worst = (f64::from(gradient[place]) - expected).abs() / f64::from(largest);
        assert!(worst < 2e-3, "{name} at {place}: {} and {expected}", gradient[place]);
    }
}

fn weighted(y: &[f32], weights: &[f32]) -> f64 {
    y.iter().zip(weights).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum()
}

#[test]
fn rms_norm() {
    for width in [5, 300] {
        let (x, weight, dy) = (values(4 * width, 1), values(width, 2), values(4 * width, 3));
        let forward = |x: &[f32], weight: &[f32]| {
            let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; 4]);
            Cpu.rms_norm(x, weight, 1e-6, &mut y, &mut inverse);
            (y, inverse)
        };
        let (_, inverse) = forward(&x, &weight);
        let (mut dx, mut dweight) = (vec![0.0; x.len()], vec![0.0; width]);
        let norm = Norm {
            x: &x,
            weight: &weight,
            inverse: &inverse,
        };
        Cpu.rms_norm_backward(norm, &dy, &mut dx, Some(&mut dweight));
        check("dx", &x, &dx, |x| weighted(&forward(x, &weight).0, &dy));
        check("dweight", &weight, &dweight, |weight| {
            weighted(&forward(&x, weight).0, &dy)
        });
    }
}

#[test]
fn rotation_of_heads() {
    let (heads, width, tokens) = (3, 8, 5);
    let angles = values(tokens * width / 2, 4);
    let cosines: Vec<f32> = angles.iter().map(|a| a.cos()).collect();
    let sines: Vec<f32> = angles.iter().map(|a| a.sin()).collect();
    let positions = [0, 1, 2, 0, 4];
    let turned = Some(Rotation {
        cosines: &cosines,
        sines: &sines,
        positions: &positions,
    });
    for rotation in [None, turned] {
        let (x, dy) = (values(tokens * heads * width, 5), values(tokens * heads * width, 6));
        let forward = |x: &[f32]| {
            let mut y = vec![0.0; x.len()];
            Cpu.split_heads(Mat::new(x, heads * width), width, rotation, &mut y);
            y
        };
        let mut dx = vec![0.0; x.len()];
        Cpu.merge_heads(&dy, width, rotation, MatMut::new(&mut dx, heads * width));
        check("dx", &x, &dx, |x| weighted(&forward(x), &dy));
    }
}

#[test]
fn swiglu() {
    let (width, tokens) = (11, 3);
    let (x, dy) = (values(2 * width * tokens, 7), values(width * tokens, 8));
    let forward = |x: &[f32]| {
        let mut y = vec![0.0; width * tokens];
        Cpu.swiglu(x, width, &mut y);
        y
    };
    let mut dx = vec![0.0; x.len()];
    Cpu.swiglu_backward(&x, &dy, width, &mut dx);
    check("dx", &x, &dx, |x| weighted(&forward(x), &dy));
}

#[test]
fn linear_projections_and_biases() {
    let (inputs, outputs, tokens) = (7, 5, 4);
    let (x, w, b) = (
        values(tokens * inputs, 1),
        values(outputs * inputs, 2),
        values(outputs, 3),
    );
    let dy = values(tokens * outputs, 4);
    let forward = |x: &[f32], w: &[f32], b: &[f32]| {
        let mut y = vec![0.0; tokens * outputs];
        let weight = Weight::floats(w, outputs, inputs);
        Cpu.linear(Mat::new(x, inputs), weight, Some(b), MatMut::new(&mut y, outputs));
        weighted(&y, &dy)
    };
    let mut dx = vec![0.0; x.len()];
    let weight = Weight::floats(&w, outputs, inputs);
    Cpu.linear_backward(Mat::new(&dy, outputs), weight, false, MatMut::new(&mut dx, inputs));
    check("dx", &x, &dx, |x| forward(x, &w, &b));
    let mut dw = vec![0.0; w.len()];
    let dy_matrix = Mat::new(&dy, outputs);
    Cpu.matmul(
        1.0,
        dy_matrix.transposed(),
        Mat::new(&x, inputs),
        true,
        MatMut::new(&mut dw, inputs),
    );
    check("dw", &w, &dw, |w| forward(&x, w, &b));
    let mut db = vec![0.0; b.len()];
    Cpu.add_column_sums(dy_matrix, &mut db);
    check("db", &b, &db, |b| forward(&x, &w, b));
}

#[test]
fn dropout_is_its_own_way_back() {
    let (x, dy) = (values(50, 1), values(50, 2));
    let mask = DropoutMask { rate: 0.4, key: 99 };
    let forward = |x: &[f32]| {
        let mut y = vec![0.0; x.len()];
        Cpu.dropout(x, mask, false, &mut y);
        y
    };
    let mut dx = vec![0.0; x.len()];
    Cpu.dropout(&dy, mask, true, &mut dx);
    check("dx", &x, &dx, |x| weighted(&forward(x), &dy));
    assert!(dx.contains(&0.0));
}

#[test]
fn cross_entropy() {
    let vocabulary = 70;
    let (logits, targets) = (values(3 * vocabulary, 9), [4, 69, 0]);
    let loss = |logits: &[f32]| {
        let (mut logits, mut losses) = (logits.to_vec(), [0.0; 3]);
        Cpu.cross_entropy(&mut logits, &targets, &mut losses);
        losses.iter().sum::<f64>()
    };
    let mut gradient = logits.clone();
    Cpu.cross_entropy(&mut gradient, &targets, &mut [0.0; 3]);
    check("dlogits", &logits, &gradient, loss);
}

#[test]
fn attention_in_one_tile_and_in_many() {
    for (heads, kv_heads, width, samples) in [
        (4, 2, 6, vec![0..5, 5..6, 6..13]),
        (2, 2, 4, vec![0..1, 1..9]),
        (2, 1, 4, vec![0..330, 330..400]),
    ] {
        let tokens = samples.last().unwrap().end;
        let shape = AttentionShape {
            heads,
            kv_heads,
            width,
            samples: &samples,
            tokens,
        };
        let q = values(heads * tokens * width, 1);
        let (k, v) = (
            values(kv_heads * tokens * width, 2),
            values(kv_heads * tokens * width, 3),
        );
        let dout = values(q.len(), 4);
        let forward = |q: &[f32], k: &[f32], v: &[f32]| {
            let (mut out, mut log_sums) = (vec![0.0; q.len()], vec![0.0; heads * tokens]);
            Cpu.attention(&shape, Qkv { q, k, v }, &mut out, &mut log_sums);
            (out, log_sums)
        };
        let (out, log_sums) = forward(&q, &k, &v);
        assert!(close(&out, &plain(&shape, &q, &k, &v)), "{tokens}");
        let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        let back = AttentionBack {
            out: &out,
            dout: &dout,
            log_sums: &log_sums,
        };
        let qkv = Qkv { q: &q, k: &k, v: &v };
        let d = QkvMut {
            q: &mut dq,
            k: &mut dk,
            v: &mut dv,
        };
        Cpu.attention_backward(&shape, qkv, back, d);
        check("dq", &q, &dq, |q| weighted(&forward(q, &k, &v).0, &dout));
        check("dk", &k, &dk, |k| weighted(&forward(&q, k, &v).0, &dout));
        check("dv", &v, &dv, |v| weighted(&forward(&q, &k, v).0, &dout));
    }
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

/// Attention by its definition, in double precision.
fn plain(shape: &AttentionShape<'_>, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
    let (width, shared) = (shape.width, shape.heads / shape.kv_heads);
    let at = |m: &[f32], head: usize, token: usize, i: usize| f64::from(m[(head * shape.tokens + token) * width + i]);
    let mut out = vec![0.0; q.len()];
    for head in 0..shape.heads {
        for sample in shape.samples {
            for token in sample.clone() {
                let scores: Vec<f64> = (sample.start..=token)
                    .map(|key| {
                        let products = (0..width).map(|i| at(q, head, token, i) * at(k, head / shared, key, i));
                        (products.sum::<f64>() / (width as f64).sqrt()).exp()
                    })
                    .collect();
                let sum: f64 = scores.iter().sum();
                for i in 0..width {
                    let values = (sample.start..=token).map(|key| at(v, head / shared, key, i));
                    let mixed: f64 = scores
                        .iter()
                        .zip(values)
                        .map(|(score, value)| score / sum * value)
                        .sum();
                    #[expect(clippy::cast_possible_truncation, reason = "compared in single precision")]
                    {
                        out[(head * shape.tokens + token) * width + i] = mixed as f32;
                    }
                }
            }
        }
    }
    out
}
