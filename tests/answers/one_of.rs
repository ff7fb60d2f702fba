//! One function of an exercise, as the checks see it: that of the answer which is graded.

/// Defines a function of the exercise. It calls the function of that name in the answer that is graded, if that is one
/// of the modules named after the signature, and else in the solution.
macro_rules! one_of {
    (
        pub fn $name:ident $(<$generic:ident>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
        $($answer:ident)*
    ) => {
        #[allow(non_upper_case_globals, reason = "a constant has the name of its module")]
        pub fn $name $(<$generic>)? ($($argument: $type),*) $(-> $result)? {
            one_of!(@call $name ($($argument),*) $($answer)*)
        }
    };
    (pub unsafe fn $name:ident ($argument:ident: $type:ty) -> $result:ty; $($answer:ident)*) => {
        /// # Safety
        /// As in the exercise.
        #[allow(non_upper_case_globals, reason = "a constant has the name of its module")]
        pub unsafe fn $name($argument: $type) -> $result {
            // SAFETY: it calls one function, whose contract is this one's.
            unsafe { one_of!(@call $name ($argument) $($answer)*) }
        }
    };
    (@call $name:ident $arguments:tt $($answer:ident)*) => {{
        $(
            const $answer: u64 = mmap_workbook::grade::answer_id(stringify!($answer));
        )*
        match mmap_workbook::grade::chosen_answer() {
            $($answer => $answer::$name $arguments,)*
            _ => crate::solution::$name $arguments,
        }
    }};
}
