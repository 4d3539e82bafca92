//! Holding what rows would do now against what a plan says.

use super::{Line, PlanError, PlanFile};

/// How many differences are named.
const NAMED: usize = 20;

/// A plan, line by line beside a new preview.
#[derive(Debug)]
pub struct Comparison {
    plan: PlanFile,
    changed: Changed,
}

/// What is not as it was planned.
#[derive(Debug, Default)]
pub struct Changed {
    /// The first rows, in words.
    pub first: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Changed {
    fn note(&mut self, words: String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(words);
        }
    }
}

impl Comparison {
    /// Begins at the first line of `plan`.
    #[must_use]
    pub fn with(plan: PlanFile) -> Self {
        Comparison {
            plan,
            changed: Changed::default(),
        }
    }

    /// Holds the next row against the next line.
    ///
    /// # Errors
    /// When the plan cannot be read.
    pub fn hold(&mut self, now: &Line) -> Result<(), PlanError> {
        match self.plan.next_line()? {
            Some(planned) if planned == *now => {}
            Some(planned) => self
                .changed
                .note(format!("planned: {planned}\n    now: {now}")),
            None => self.changed.note(format!("not in the plan: {now}")),
        }
        Ok(())
    }

    /// What was found, once all rows were held.
    ///
    /// # Errors
    /// When the plan cannot be read.
    pub fn end(mut self) -> Result<Changed, PlanError> {
        while let Some(planned) = self.plan.next_line()? {
            self.changed.note(format!("no longer there: {planned}"));
        }
        Ok(self.changed)
    }
}
