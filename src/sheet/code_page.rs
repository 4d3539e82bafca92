//! The code pages of DOS, in which Excel still writes "CSV (MS-DOS)". The Encoding Standard of the WHATWG, by which all other
//! encodings go, does not have them.

use strum::{EnumCount, VariantArray};

/// A code page: bytes up to 127 are ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, VariantArray)]
pub(super) enum CodePage {
    /// The United States.
    Cp437,
    /// Western Europe.
    Cp850,
    /// Central Europe.
    Cp852,
}

impl CodePage {
    const ALL: [CodePage; CodePage::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            CodePage::Cp437 => "cp437",
            CodePage::Cp850 => "cp850",
            CodePage::Cp852 => "cp852",
        }
    }

    /// The page of this name, in lower case: `cp850`, `ibm850` or `850`.
    pub(super) fn named(name: &str) -> Option<CodePage> {
        let number = ["cp", "ibm", "dos"]
            .iter()
            .find_map(|begin| name.strip_prefix(begin))
            .unwrap_or(name)
            .trim_start_matches(['-', '_']);
        let is_meant = |page: &CodePage| page.name().strip_prefix("cp") == Some(number);
        Self::ALL.into_iter().find(is_meant)
    }

    /// What the bytes from 128 on stand for.
    pub(super) fn upper(self) -> [char; 128] {
        let signs = match self {
            CodePage::Cp437 => CP437,
            CodePage::Cp850 => CP850,
            CodePage::Cp852 => CP852,
        };
        let mut upper = ['\u{FFFD}'; 128];
        for (place, sign) in upper.iter_mut().zip(signs.chars()) {
            *place = sign;
        }
        upper
    }
}

const CP437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

const CP850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
    áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

const CP852: &str = "\
    ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
    áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
    ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{AD}˝˛ˇ˘§÷¸°¨˙űŘř■\u{A0}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_and_say_what_they_should() {
        for (page, bytes, text) in [
            (CodePage::Cp437, &b"\x84\x94\x81\xE1\x82\xA4"[..], "äöüßéñ"),
            (
                CodePage::Cp850,
                b"\x84\x94\x81\xE1\x82\xA4\xB5\xFF",
                "äöüßéñÁ\u{A0}",
            ),
            (CodePage::Cp852, b"\x84\x94\x81\xE1\xE7\xA5\x88", "äöüßšął"),
        ] {
            let upper = page.upper();
            let read: String = bytes
                .iter()
                .map(|byte| upper[usize::from(byte - 128)])
                .collect();
            assert_eq!(read, text, "{}", page.name());
            assert!(!upper.contains(&'\u{FFFD}'), "{}", page.name());
            assert!(upper.iter().all(|sign| !sign.is_ascii()), "{}", page.name());
        }
    }

    #[test]
    fn pages_have_the_names_that_programs_give_them() {
        for name in ["cp850", "ibm850", "850", "cp-850", "dos850"] {
            assert_eq!(CodePage::named(name), Some(CodePage::Cp850), "{name}");
        }
        for name in ["cp1252", "cp", "", "latin1"] {
            assert_eq!(CodePage::named(name), None, "{name}");
        }
    }
}
