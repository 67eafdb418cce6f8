//! The optimizer's loops.
#![expect(
    clippy::inline_always,
    reason = "must be compiled as part of the loop that `simd` runs"
)]

use rayon::prelude::*;

use super::TASK;
use super::vector::{dot, simd};
use crate::ops::AdamwStep;

/// The sum of all squares; parts in single precision, their sum in double, in a fixed order.
pub(super) fn sum_of_squares(x: &[f32]) -> f64 {
    let parts: Vec<f64> = x.par_chunks(TASK).map(|x| simd!(f64::from(dot(x, x)))).collect();
    parts.iter().sum()
}

/// One step over all values.
pub(super) fn adamw(step: &AdamwStep, values: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]) {
    assert!(
        values.len() == gradients.len() && first.len() == second.len(),
        "a gradient for each value"
    );
    assert_eq!(values.len(), first.len(), "moments for each value");
    let factors = Factors::of(step);
    let tasks = values.par_chunks_mut(TASK).zip(gradients.par_chunks(TASK));
    let moments = first.par_chunks_mut(TASK).zip(second.par_chunks_mut(TASK));
    tasks.zip(moments).for_each(|((values, gradients), (first, second))| {
        simd!(adamw_task(step, factors, values, gradients, first, second));
    });
}

/// What all values share, computed in double precision.
#[derive(Clone, Copy)]
struct Factors {
    /// The learning rate over the first moment's correction of its start at zero.
    rate: f32,
    /// One over the root of the second moment's.
    second: f32,
    /// What is left of a value after its decay.
    decay: f32,
}

impl Factors {
    #[expect(clippy::cast_possible_truncation, reason = "used in single precision")]
    fn of(step: &AdamwStep) -> Self {
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(step.count as f64);
        Self {
            rate: (f64::from(step.rate) / correction(step.beta1)) as f32,
            second: (1.0 / correction(step.beta2).sqrt()) as f32,
            decay: (1.0 - f64::from(step.rate) * f64::from(step.weight_decay)) as f32,
        }
    }
}

#[inline(always)]
fn adamw_task(
    step: &AdamwStep,
    factors: Factors,
    values: &mut [f32],
    gradients: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let moments = first.iter_mut().zip(second);
    for ((value, gradient), (first, second)) in values.iter_mut().zip(gradients).zip(moments) {
        let gradient = gradient * step.gradient_scale;
        *first = step.beta1 * *first + (1.0 - step.beta1) * gradient;
        *second = step.beta2 * *second + (1.0 - step.beta2) * gradient * gradient;
        *value = *value * factors.decay - factors.rate * *first / (second.sqrt() * factors.second + step.epsilon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the formula in double precision; the first step moves every value by the rate, whatever its gradient.
    #[test]
    fn steps_are_those_of_the_formula() {
        let step = |count| AdamwStep {
            rate: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.1,
            gradient_scale: 0.5,
            count,
        };
        let (mut value, mut first, mut second) = ([1.0f32], [0.0], [0.0]);
        let (mut x, mut m, mut v) = (1.0f64, 0.0f64, 0.0f64);
        for (index, gradient) in [3.0f32, -1.0, 0.25].into_iter().enumerate() {
            let count = index as u64 + 1;
            adamw(&step(count), &mut value, &[gradient], &mut first, &mut second);
            let g = f64::from(gradient) * 0.5;
            (m, v) = (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g);
            let (mc, vc) = (
                m / (1.0 - 0.9f64.powf(count as f64)),
                v / (1.0 - 0.999f64.powf(count as f64)),
            );
            x = x * (1.0 - 0.01 * 0.1) - 0.01 * mc / (vc.sqrt() + 1e-8);
            assert!((f64::from(value[0]) - x).abs() < 1e-6, "step {count}: {} {x}", value[0]);
        }
    }

    #[test]
    fn a_number_that_is_not_finite_shows_in_the_sum_of_squares() {
        let mut x = vec![1.0; 20_000];
        assert!((sum_of_squares(&x) - 20_000.0).abs() < 1e-6);
        x[12_345] = f32::NAN;
        assert!(sum_of_squares(&x).is_nan());
    }
}
