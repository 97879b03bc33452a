//! What holds of the undos, whatever was announced before an order stopped.

use kassa_workflows::checkout::{Step, Undo, UndoStack};
use proptest::prelude::*;

/// What is announced to a stack.
#[derive(Debug, Clone, Copy)]
enum Announced {
    Step(Step),
    All,
}

fn announced() -> impl Strategy<Value = Vec<Announced>> {
    let step = prop::sample::select(Step::ALL.to_vec()).prop_map(Announced::Step);
    prop::collection::vec(prop_oneof![9 => step, 1 => Just(Announced::All)], 0..12)
}

fn unwound(announced: &[Announced]) -> Vec<Undo> {
    let mut stack = UndoStack::default();
    for one in announced {
        match one {
            Announced::Step(step) => stack.push(*step),
            Announced::All => stack.push_all(),
        }
    }
    stack.unwind()
}

fn may_have_run(announced: &[Announced], step: Step) -> bool {
    announced.iter().any(|one| match one {
        Announced::Step(announced) => *announced == step,
        Announced::All => true,
    })
}

proptest! {
    #[test]
    fn exactly_what_may_have_run_is_taken_back_and_once(announced in announced()) {
        let undos = unwound(&announced);
        for undo in Undo::ALL {
            let step = Step::ALL.into_iter().find(|step| step.undo() == Some(undo)).expect("a step of its own");
            let times = undos.iter().filter(|unwound| **unwound == undo).count();
            prop_assert_eq!(times, usize::from(may_have_run(&announced, step)), "{:?} in {:?}", undo, undos);
        }
    }

    #[test]
    fn the_money_comes_first(announced in announced()) {
        let undos = unwound(&announced);
        if let Some(at) = undos.iter().position(|undo| *undo == Undo::Refund) {
            prop_assert_eq!(at, 0, "{:?}", undos);
        }
    }

    #[test]
    fn steps_that_ran_in_order_are_taken_back_in_reverse(steps in 0..=Step::ALL.len()) {
        let announced: Vec<_> = Step::ALL[..steps].iter().map(|step| Announced::Step(*step)).collect();
        let undos = unwound(&announced);
        let expected: Vec<_> = Step::ALL[..steps].iter().rev().filter_map(|step| step.undo()).collect();
        let without_money = |undos: &[Undo]| undos.iter().filter(|undo| **undo != Undo::Refund).copied().collect::<Vec<_>>();
        prop_assert_eq!(without_money(&undos), without_money(&expected));
    }
}
