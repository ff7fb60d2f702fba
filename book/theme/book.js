"use strict";

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

    for (const link of document.querySelectorAll(".language")) {
        const address = link.getAttribute("href");
        const lead = () => {
            const current = window.scrollY > 0 ? heading() : undefined;
            link.setAttribute("href", address + (current ? "#" + current.id : ""));
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
        list.addEventListener("click", () => { if (contents.matches(":popover-open")) { contents.hidePopover(); } });
    }
    if (page) { contents.scrollTop = Math.max(0, page.offsetTop - contents.clientHeight / 3); }

    // The arrow keys turn the page unless they have another use.
    addEventListener("keydown", (event) => {
        if (event.ctrlKey && !event.altKey && !event.metaKey && event.key.toLowerCase() === "k") {
            event.preventDefault();
            openSearch();
        }
        const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
        const busy = event.target.closest("input, select, textarea, pre, .table-wrapper, dialog, [popover]");
        if (!way || busy || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) { return; }
        document.querySelector(`.neighbours [rel="${way}"]`)?.click();
    });

    // ---- Listings ----

    for (const pre of document.querySelectorAll("main pre")) {
        const code = pre.querySelector("code");
        if (!code) { continue; }
        if (window.hljs && code.matches(".language-rust, .language-c, .language-toml")) { hljs.highlightBlock(code); }
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
        const target = location.hash === "" ? null : byId(decodeURIComponent(location.hash.slice(1)));
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
    let documents = null;

    const plain = (text) => text.normalize("NFKC").toLowerCase();

    const load = () => new Promise((resolve, reject) => {
        if (documents) { resolve(); return; }
        const script = make("script", { src: window.path_to_searchindex_js });
        script.addEventListener("load", () => {
            const { doc_urls: urls, index } = window.search;
            documents = urls.map((url, n) => {
                const { title, body, breadcrumbs } = index.documentStore.docs[n];
                return { url, title, body, above: breadcrumbs, plainTitle: plain(title), plainBody: plain(body), plainAbove: plain(breadcrumbs) };
            });
            resolve();
        });
        script.addEventListener("error", () => reject(new Error(words.fails)));
        document.head.append(script);
    });

    const CHINESE = /[\u3400-\u9fff]+/g;

    // The words of a query. A space ends a word, and so does the change between Chinese and another script.
    const terms = (query) => plain(query).replace(CHINESE, " $& ").split(/\s+/).filter((term) => term !== "");

    // What is searched when a word itself is not found: the pairs of characters of a Chinese word, the stem of an
    // English one.
    const looser = (term) => {
        if (/^[\u3400-\u9fff]{3,}$/.test(term)) { return Array.from({ length: term.length - 1 }, (_, n) => term.slice(n, n + 2)); }
        const stem = term.replace(/(ies|ing|ed|es|s)$/, "");
        return [/^[a-z]+$/.test(term) && stem.length >= 3 ? stem : term];
    };

    const count = (text, term) => text.split(term).length - 1;

    const score = (section, wanted, whole) => {
        let sum = 0;
        // A match in the chapter's title alone would find all of its sections.
        let own = false;
        for (const term of wanted) {
            const inTitle = section.plainTitle.includes(term);
            const inBody = count(section.plainBody, term);
            if (!inTitle && inBody === 0 && !section.plainAbove.includes(term)) { return 0; }
            own ||= inTitle || inBody > 0;
            sum += (inTitle ? 20 : 0) + Math.min(inBody, 5) + (section.plainAbove.includes(term) ? 3 : 0);
        }
        if (!own) { return 0; }
        if (section.plainTitle === whole) { sum += 100; }
        if (wanted.length > 1) { sum += (section.plainTitle.includes(whole) ? 30 : 0) + (section.plainBody.includes(whole) ? 10 : 0); }
        return sum;
    };

    const find = (query) => {
        const whole = plain(query).trim().replace(/\s+/g, " ");
        const search = (wanted) => {
            const scored = documents.map((section) => ({ section, wanted, score: score(section, wanted, whole) }));
            return scored.filter((found) => found.score > 0).sort((a, b) => b.score - a.score);
        };
        const exact = search(terms(query));
        return exact.length > 0 ? exact : search(terms(query).flatMap(looser));
    };

    // A text in which the words are marked.
    const marked = (text, wanted) => {
        const escaped = wanted.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
        escaped.sort((a, b) => b.length - a.length);
        const parts = text.split(new RegExp(`(${escaped.join("|")})`, "i"));
        return parts.map((part, n) => (n % 2 === 1 ? make("mark", {}, part) : part));
    };

    // The part of a text around the first of the words.
    const excerpt = (text, wanted) => {
        const lower = text.toLowerCase();
        const places = wanted.map((term) => lower.indexOf(term)).filter((place) => place >= 0);
        const wide = /[\u3400-\u9fff]/.test(text) ? 70 : 150;
        const start = Math.max(0, Math.min(...(places.length > 0 ? places : [0])) - wide / 3);
        const end = Math.min(text.length, start + wide);
        return (start > 0 ? "…" : "") + text.slice(start, end).trim() + (end < text.length ? "…" : "");
    };

    const search = async () => {
        const query = input.value.trim();
        results.replaceChildren();
        if (query === "") { says.textContent = words.waits; return; }
        try { await load(); } catch (error) { says.textContent = error.message; return; }
        const found = find(query);
        results.replaceChildren(...found.slice(0, MOST).map(({ section, wanted }) => {
            const title = make("strong", {}, ...marked(section.title, wanted));
            const link = make("a", { href: section.url }, title);
            if (section.above) { link.append(" ", make("span", { className: "in" }, section.above)); }
            link.append(make("span", { className: "words" }, ...marked(excerpt(section.body, wanted), wanted)));
            return make("li", {}, link);
        }));
        says.textContent = found.length === 0 ? words.none
            : found.length + (found.length === 1 ? words.result : words.results);
    };

    const openSearch = () => {
        if (!dialog.open) { dialog.showModal(); }
        input.select();
        search();
    };

    byId("search-button").addEventListener("click", openSearch);
    input.addEventListener("input", search);
    results.addEventListener("click", (event) => { if (event.target.closest("a")) { dialog.close(); } });
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
