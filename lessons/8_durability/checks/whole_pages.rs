use std::fs::File;

use super::*;

#[test]
fn any_size_is_rounded_up() {
    let rule = text!("A mapping is of whole pages.", "映射以整页为单位。");
    let page = page_size_u64();
    // Sizes next to page boundaries are likely.
    let sizes = prop_oneof![Just(0), Just(1), Just(page - 1), Just(page), Just(page + 1), 0..10 * page];
    check("mapping", rule, || {
        for_all(
            sizes,
            |size| text!("a file of {size} bytes", "{size} 字节的文件"),
            |size| {
                let file = File::from(memfd_create("exercise", MFdFlags::MFD_CLOEXEC)?);
                file.set_len(*size)?;
                let wanted = size.next_multiple_of(page);
                let got = ask(|| super::whole_pages(&file).map_err(error_text))?;
                ensure(got == Ok(wanted), || {
                    Failure::new(text!("{wanted} bytes", "{wanted} 字节"), text!("{got:?}", "{got:?}"))
                })
            },
        )
    });
}
