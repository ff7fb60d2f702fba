"use strict";

// ---- Finding ----

// Which sections a query finds, the best first. It needs no page: tests/search.rs runs it, too.
window.search.find = (() => {
    const CHINESE = /[\u3400-\u9fff]+/g;
    const isChinese = (term) => /^[\u3400-\u9fff]/.test(term);
    const LITTLE = new Set("a an and are at be by do does for how in is it my of on or the to what why with".split(" "));
    // What a word in a place is worth. In the text itself it counts the more, the more often it is there.
    const WORTH = { title: 10, also: 9, above: 2, body: 4 };

    // Copy-on-write is copy on write.
    const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/(\p{L})-(?=\p{L})/gu, "$1 ").replace(/\s+/g, " ").trim();
    const wordsOf = (text) => text.match(/[a-z0-9_]+/g) ?? [];

    let sections, everything, vocabulary, synonyms;
    const prepare = () => {
        const { doc_urls: urls, index } = window.search;
        sections = urls.map((url, n) => {
            const { title, body, breadcrumbs: above, also = "", weight = 1 } = index.documentStore.docs[n];
            const places = { title: plain(title), also: plain(also), above: plain(above), body: plain(body) };
            return { url, title, body, above, weight, in: places, all: Object.values(places).join("\n") };
        });
        everything = sections.map((section) => section.all).join("\n");
        vocabulary = new Set(wordsOf(everything));
        synonyms = (window.search.synonyms ?? []).map((group) => group.map(plain));
    };

    // The words of a query. A space ends a word, and so does the change between Chinese and another script. A Chinese
    // word that is nowhere is taken apart: each part is the longest that is somewhere.
    const terms = (query) => {
        const all = plain(query).replace(CHINESE, " $& ").split(/[\s,;:!?，。；：！？、]+/).filter((term) => term !== "");
        const parts = all.flatMap((term) => {
            if (!isChinese(term)) { return [term]; }
            const found = [];
            for (let start = 0; start < term.length;) {
                let end = term.length;
                while (end - start > 1 && !everything.includes(term.slice(start, end))) { end -= 1; }
                // A single character says little where a longer part is found.
                if (end - start > 1 || term.length === 1) { found.push(term.slice(start, end)); }
                start = end;
            }
            return found;
        });
        const few = parts.filter((term) => !LITTLE.has(term));
        return [...new Set(few.length > 0 ? few : parts)];
    };

    // Whether one mistake makes one word of the other: a letter too many, too few, another one, or two in the wrong order.
    const isNear = (a, b) => {
        if (Math.abs(a.length - b.length) > 1 || a === b) { return false; }
        let start = 0;
        while (start < a.length && a[start] === b[start]) { start += 1; }
        const [restA, restB] = [a.slice(start), b.slice(start)];
        return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1)
            || restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
    };

    // Safari before 16.4 has no such patterns: there the beginning of a word is anywhere.
    let BEGINS = "(?<![a-z0-9])";
    try { new RegExp(BEGINS); } catch (e) { BEGINS = ""; }
    const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    // A word with the endings that English gives it. "mapping" is a form of "map", "room" none of "oom".
    const whole = (term) => {
        const doubled = /[a-z]$/.test(term) ? `${term.at(-1)}?(?:s|es|ed|ing)` : "s";
        const [before, after] = [/^[a-z0-9]/.test(term) ? BEGINS : "", /[a-z0-9]$/.test(term) ? `(?:${doubled})?(?![a-z0-9])` : ""];
        return new RegExp(before + escaped(term) + after, "g");
    };
    const stem = (term) => (/^[a-z]{5,}$/.test(term) ? term.replace(/(ies|ing|ed|es|s|y)$/, "") : term);

    // What is looked for in place of a word: patterns, each with the share of a word's worth that it has.
    const patterns = (term) => {
        const is = (pattern) => everything.search(pattern) >= 0;
        if (isChinese(term)) { return [{ pattern: new RegExp(escaped(term), "g"), share: 1 }]; }
        const found = [{ pattern: whole(term), share: 1 }];
        // Up to four letters are a whole word, or where nothing has that, the beginning of one.
        if (term.length > 4) {
            found.push({ pattern: new RegExp(escaped(stem(term).length >= 4 ? stem(term) : term), "g"), share: 0.5 });
        } else if (!is(found[0].pattern)) {
            found.push({ pattern: new RegExp(BEGINS + escaped(term), "g"), share: 0.5 });
        }
        if (term.length >= 4 && !found.some(({ pattern }) => is(pattern))) {
            for (const word of vocabulary) { if (isNear(term, word)) { found.push({ pattern: whole(word), share: 0.8 }); } }
        }
        return found;
    };
    const alternatives = (term) => {
        const others = synonyms.filter((group) => group.includes(term)).flat().filter((other) => other !== term);
        return [...patterns(term), ...others.map((other) => ({ pattern: isChinese(other) ? new RegExp(escaped(other), "g") : whole(other), share: 0.5 }))];
    };

    const count = (text, pattern) => text.match(pattern)?.length ?? 0;

    // What a section is worth for one word. The chapter's title alone makes it worth nothing: that would find all of the
    // chapter's sections.
    const worth = (section, looked) => Math.max(...looked.map(({ pattern, share }) => {
        if (section.all.search(pattern) < 0) { return 0; }
        const often = count(section.in.body, pattern);
        const long = 0.5 + section.in.body.length / 3000;
        const own = ["title", "also"].filter((place) => count(section.in[place], pattern) > 0).reduce((sum, place) => sum + WORTH[place], 0)
            + WORTH.body * often / (often + long);
        return own === 0 ? 0 : share * (own + (count(section.in.above, pattern) > 0 ? WORTH.above : 0));
    }));

    return (query) => {
        if (!sections) { prepare(); }
        const wanted = terms(query).map((term) => {
            const looked = alternatives(term);
            const worths = sections.map((section) => worth(section, looked));
            const somewhere = worths.filter((found) => found > 0).length;
            return { term, looked, worths, rare: Math.log(1 + sections.length / (1 + somewhere)) };
        });
        const phrase = plain(query);
        const all = wanted.reduce((sum, { rare }) => sum + rare, 0);
        const scored = sections.map((section, n) => {
            const found = wanted.filter(({ worths }) => worths[n] > 0);
            const missing = wanted.filter(({ worths }) => worths[n] === 0).map(({ term }) => term);
            const share = found.reduce((sum, { rare }) => sum + rare, 0) / all;
            let score = found.reduce((sum, { rare, worths }) => sum + rare * worths[n], 0) * share;
            if (section.in.title === phrase) { score *= 3; }
            if (wanted.length > 1) {
                if (section.in.title.includes(phrase) || section.in.also.includes(phrase)) { score *= 1.6; } else if (section.in.body.includes(phrase)) { score *= 1.3; }
            }
            return { section, missing, score: score * section.weight, marks: found.flatMap(({ looked }) => looked.map(({ pattern }) => pattern.source)) };
        });
        return scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
    };
})();

// What a page can do beyond HTML: colours, the same heading in another language, search, copying. All text is there
// without it.

(() => {
    const words = document.body.dataset;
    const byId = (id) => document.getElementById(id);
    const make = (name, attributes = {}, ...inside) => {
        const element = Object.assign(document.createElement(name), attributes);
        element.append(...inside);
        return element;
    };
    const remember = (name, value) => {
        try { localStorage.setItem("mmap-workbook-" + name, value); } catch (e) { /* the browser stores nothing */ }
    };
    const remembered = (name) => {
        try { return localStorage.getItem("mmap-workbook-" + name); } catch (e) { return null; }
    };
    window.workbook = { make, remember, remembered };

    // ---- Colours ----

    const theme = byId("theme");
    const themes = ["light", "dark"];
    theme.value = themes.includes(remembered("theme")) ? remembered("theme") : "system";
    theme.addEventListener("change", () => {
        document.documentElement.classList.remove(...themes);
        if (themes.includes(theme.value)) { document.documentElement.classList.add(theme.value); }
        remember("theme", theme.value);
    });

    // ---- Where the reader is ----

    const headings = [...document.querySelectorAll("main h1[id], main h2[id], main h3[id]")];

    // The heading of the section that is being read: the one in the address while it is visible, or else the last one
    // that has reached the bar.
    const heading = () => {
        const top = (element) => element.getBoundingClientRect().top;
        const named = headings.find((heading) => "#" + heading.id === location.hash);
        if (named && top(named) >= 0 && top(named) < window.innerHeight) { return named; }
        const edge = document.querySelector(".bar").offsetHeight + 40;
        const above = headings.filter((heading) => top(heading) < edge);
        return above.length > 0 ? above[above.length - 1] : headings[0];
    };

    // A heading is a link to itself, which a click copies.
    for (const link of document.querySelectorAll("main a.header")) {
        link.addEventListener("click", async () => {
            try { await navigator.clipboard.writeText(link.href); } catch (e) { return; }
            link.dataset.copied = words.copied;
            setTimeout(() => { delete link.dataset.copied; }, 2000);
        });
    }

    for (const link of document.querySelectorAll(".language")) {
        const address = link.getAttribute("href");
        const lead = () => {
            const current = window.scrollY > 0 ? heading() : undefined;
            // A scenario in the address goes with the reader.
            const place = location.hash.startsWith("#s=") ? location.hash : current ? "#" + current.id : "";
            link.setAttribute("href", address + place);
        };
        // A middle click, or a key that opens the link elsewhere, leads to the same place.
        for (const event of ["pointerdown", "focus", "click"]) { link.addEventListener(event, lead); }
        // "../zh/page.html"
        link.addEventListener("click", () => remember("language", address.split("/")[1]));
    }

    // Adds the headings of this page to the contents.
    const contents = byId("contents");
    const page = contents.querySelector("[aria-current='page']")
        ?? [...contents.querySelectorAll("a")].find((a) => a.pathname === location.pathname);
    const sections = headings.filter((heading) => heading.tagName === "H2");
    if (page && sections.length > 1) {
        page.setAttribute("aria-current", "page");
        const links = sections.map((heading) => make("a", { href: "#" + heading.id, textContent: heading.textContent }));
        const list = make("ol", { className: "here" }, ...links.map((link) => make("li", {}, link)));
        page.parentElement.after(list);
        const show = () => {
            const edge = window.innerHeight / 3;
            const above = sections.filter((heading) => heading.getBoundingClientRect().top < edge).length;
            links.forEach((link, n) => {
                if (n === above - 1) { link.setAttribute("aria-current", "true"); } else { link.removeAttribute("aria-current"); }
            });
        };
        let due = false;
        addEventListener("scroll", () => {
            if (!due) {
                due = true;
                requestAnimationFrame(() => { due = false; show(); });
            }
        }, { passive: true });
        show();
        list.addEventListener("click", () => { contents.hidePopover?.(); });
    }
    if (page) { contents.scrollTop = Math.max(0, page.offsetTop - contents.clientHeight / 3); }

    // The arrow keys turn the page unless they have another use.
    addEventListener("keydown", (event) => {
        const hasModifier = event.ctrlKey || event.altKey || event.metaKey;
        const types = event.target.closest("input, select, textarea, dialog");
        if (event.ctrlKey && !event.altKey && !event.metaKey && event.key.toLowerCase() === "k" || event.key === "/" && !hasModifier && !types) {
            event.preventDefault();
            openSearch();
        }
        const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
        const busy = event.target.closest("input, select, textarea, pre, .table-wrapper, dialog, [popover]");
        if (!way || busy || hasModifier || event.shiftKey) { return; }
        document.querySelector(`.neighbours [rel="${way}"]`)?.click();
    });

    // ---- Listings ----

    for (const pre of document.querySelectorAll("main pre")) {
        const code = pre.querySelector("code");
        if (!code) { continue; }
        const listing = make("div", { className: "listing" });
        pre.replaceWith(listing);
        listing.append(pre);
        if (!navigator.clipboard || code.matches(".language-console, .language-text")) { continue; }
        const button = make("button", { type: "button", className: "copy-button", textContent: words.copy });
        button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(code.textContent);
            button.textContent = words.copied;
            setTimeout(() => { button.textContent = words.copy; }, 2000);
        });
        listing.append(button);
    }

    // A block that scrolls sideways can be scrolled with the keyboard.
    const scrollable = () => {
        for (const box of document.querySelectorAll("main pre, main .table-wrapper")) {
            if (box.scrollWidth > box.clientWidth) {
                box.tabIndex = 0;
                box.setAttribute("role", "region");
                box.setAttribute("aria-label", box.tagName === "PRE" ? words.code : words.table);
            } else {
                box.removeAttribute("tabindex");
                box.removeAttribute("role");
                box.removeAttribute("aria-label");
            }
        }
    };
    scrollable();
    addEventListener("resize", scrollable);

    // On paper everything is unfolded.
    let folded = [];
    addEventListener("beforeprint", () => {
        folded = [...document.querySelectorAll("main details:not([open])")];
        folded.forEach((details) => { details.open = true; });
    });
    addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));

    // A link into folded text unfolds it.
    const unfold = () => {
        let id = location.hash.slice(1);
        try { id = decodeURIComponent(id); } catch (e) { /* "#100%" */ }
        const target = byId(id);
        target?.closest("details")?.setAttribute("open", "");
    };
    unfold();
    addEventListener("hashchange", unfold);

    // ---- Search ----

    const dialog = byId("search");
    const input = byId("search-words");
    const results = byId("search-results");
    const says = byId("search-says");
    const MOST = 30;
    let loading = null;
    let found = [];

    const load = () => {
        loading ??= new Promise((resolve, reject) => {
            const script = make("script", { src: window.path_to_searchindex_js });
            script.addEventListener("load", resolve);
            script.addEventListener("error", () => { loading = null; reject(new Error(words.fails)); });
            document.head.append(script);
        });
        return loading;
    };

    // A text in which the patterns are marked.
    const marked = (text, marks) => {
        const parts = text.split(new RegExp(`(${marks.join("|")})`, "i"));
        return parts.map((part, n) => (n % 2 === 1 ? make("mark", {}, part) : part));
    };

    // The part of a text around the first of the patterns that is there.
    const excerpt = (text, marks) => {
        const place = Math.max(0, text.search(new RegExp(marks.join("|"), "i")));
        const wide = /[\u3400-\u9fff]/.test(text) ? 70 : 150;
        const start = Math.max(0, place - wide / 3);
        const end = Math.min(text.length, start + wide);
        return (start > 0 ? "…" : "") + text.slice(start, end).trim() + (end < text.length ? "…" : "");
    };

    const search = async () => {
        const query = input.value.trim();
        results.replaceChildren();
        if (query === "") { says.textContent = words.waits; return; }
        try { await load(); } catch (error) { says.textContent = error.message; return; }
        if (input.value.trim() !== query) { return; }
        found = window.search.find(query);
        results.replaceChildren(...found.slice(0, MOST).map(({ section, marks, missing }) => {
            const title = make("strong", {}, ...marked(section.title, marks));
            const link = make("a", { href: section.url }, title);
            if (section.above) { link.append(" ", make("span", { className: "in" }, section.above)); }
            link.append(make("span", { className: "words" }, ...marked(excerpt(section.body, marks), marks)));
            if (missing.length > 0) { link.append(make("span", { className: "missing" }, words.without, ...missing.map((term) => make("s", {}, term)))); }
            return make("li", {}, link);
        }));
        says.textContent = found.length === 0 ? words.none
            : found.length + (found.length === 1 ? words.result : words.results);
    };

    const openSearch = async () => {
        if (!dialog.open) { dialog.showModal(); }
        input.select();
        await search();
    };

    // What was found is marked where a result leads to, until Escape is pressed. Browsers before 2025 may lack it.
    const FOUND = "found";
    const mark = (marks) => {
        if (!window.Highlight || marks.length === 0) { return; }
        const texts = document.createTreeWalker(byId("content"), NodeFilter.SHOW_TEXT);
        const ranges = [];
        while (texts.nextNode()) {
            for (const { index, 0: word } of texts.currentNode.data.matchAll(new RegExp(marks.join("|"), "gi"))) {
                const range = new Range();
                range.setStart(texts.currentNode, index);
                range.setEnd(texts.currentNode, index + word.length);
                ranges.push(range);
            }
        }
        CSS.highlights.set(FOUND, new Highlight(...ranges));
    };
    addEventListener("keydown", (event) => { if (event.key === "Escape") { window.CSS?.highlights?.delete(FOUND); } });

    // Where a result leads to another page, that page finds here what it has to mark.
    const MARKS = "mmap-workbook-marks";
    const handOver = (marks) => { try { sessionStorage.setItem(MARKS, JSON.stringify(marks)); } catch (e) { /* the browser stores nothing */ } };
    const takeOver = () => {
        try {
            const marks = JSON.parse(sessionStorage.getItem(MARKS));
            sessionStorage.removeItem(MARKS);
            return marks;
        } catch (e) { return null; }
    };
    const marks = takeOver();
    if (marks) { mark(marks); }

    // Back from a result, the results are there again, with the one that was followed.
    const follow = (link) => {
        const at = [...results.querySelectorAll("a")].indexOf(link);
        history.replaceState({ ...history.state, search: { query: input.value, at } }, "");
        if (link.pathname === location.pathname) { mark(found[at].marks); } else { handOver(found[at].marks); }
        dialog.close();
    };
    const reopen = async () => {
        const left = history.state?.search;
        if (!left) { return; }
        history.replaceState({ ...history.state, search: null }, "");
        input.value = left.query;
        await openSearch();
        results.querySelectorAll("a")[left.at]?.focus();
    };
    addEventListener("pageshow", reopen);
    addEventListener("popstate", reopen);

    byId("search-button").addEventListener("click", openSearch);
    input.addEventListener("input", search);
    results.addEventListener("click", (event) => {
        const link = event.target.closest("a");
        if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) { follow(link); }
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) { dialog.close(); } });
    dialog.querySelector("form").addEventListener("submit", (event) => {
        // Enter opens the first result; the button closes the dialog.
        if (event.submitter === null || document.activeElement === input) {
            const first = results.querySelector("a");
            if (first) { event.preventDefault(); first.click(); }
        }
    });
    dialog.addEventListener("keydown", (event) => {
        // While an input method is open, these keys choose among its words.
        if (event.isComposing) { return; }
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step) { return; }
        const stops = [input, ...results.querySelectorAll("a")];
        const next = stops[stops.indexOf(document.activeElement) + step];
        if (next) { event.preventDefault(); next.focus(); }
    });
})();
