//! The same, in the string of an attribute of serde's, which is parsed as an expression.
//! refused: string in an attribute
#[derive(serde::Deserialize)]
struct Carrier {
    #[serde(default = "make::<{ #[unsafe(link_section = \".init_array\")] static B: fn() = f; 0 }>")]
    field: u8,
}
