// A scenario that a reader steps through, predicts, edits and plays by other rules.

(() => {
    const make = (name, attributes = {}, ...inside) => {
        const element = document.createElement(name);
        for (const [attribute, value] of Object.entries(attributes)) {
            if (attribute.startsWith("on")) {
                element.addEventListener(attribute.slice(2), value);
            } else {
                element.setAttribute(attribute, value === true ? "" : value);
            }
        }
        element.append(...inside);
        return element;
    };
    const language = document.documentElement.lang.slice(0, 2);
    const facts = () => window.simulator.facts;
    const code = (text) => make("code", {}, text);
    // A text of the book, in which backticks enclose code.
    const prose = (text) => text.split("`").map((part, n) => (n % 2 === 1 ? code(part) : part));
    // A text of this page with elements in it.
    const told = (text, ...values) => text.split(/\{\}/).flatMap((part, n) => (n > 0 ? [values[n - 1], part] : [part]));
    const short = (outcome) => (outcome.length > 28 ? outcome.slice(0, 27) + "…" : outcome);
    // What an outcome means, where that isn't plain to somebody who is new to the notation.
    const meaning = (outcome, { operation }) => {
        const { zeros, dies, fails, nothing, count, either } = WORDS.means;
        const counts = /^(write|write_from|read_into) /.test(operation) ? [[/^\d/, count]] : [];
        const found = [...counts, [/^0\*\d+p?$/, zeros], [/^SIG/, dies], [/^E[A-Z]+$/, fails], [/^nothing$/, nothing], [/^\(\S+\)\*\d+$/, either]].find(([pattern]) => pattern.test(outcome));
        return found ? [" ", make("small", {}, found[1])] : [];
    };
    const comment = (text) => /^(?:[^"'#]|"[^"]*"|'.'?'?)*?#\s*(.*)$/.exec(text)?.[1] ?? "";

    // From this width on css/simulator.css has two columns.
    const WIDE = 672;
    const SAMPLES = ["shared", "private", "page", "own", "hole", "gone", "disk", "maybe"];
    const sample = (kind, tip) => {
        const shape = ["map", "copy"].includes(kind) ? `<path class="${kind}" d="M1 7H21" marker-end="url(#${tip})"/>`
            : `<rect class="${{ changed: "page changed", maybe: "disk maybe" }[kind] ?? kind}" x="2" y="2" width="20" height="10"/>`;
        const box = make("span", {});
        box.innerHTML = `<svg viewBox="0 0 24 14" width="24" height="14" aria-hidden="true">${shape}</svg>`;
        box.append(" " + WORDS.legend[kind]);
        return box;
    };

    // Makes a simulator in `host` with this scenario.
    const simulator = (host, { text: original, title, file, at: first, inLink, isMain, said }) => {
        let text = original, reply = null, world = null, other = null, at = 0, scenes = [], editing = false, message = "", told_of = null;
        // Answers by the question, which is the lines up to it: what was chosen, or null for "just show me".
        let answers = new Map();
        // The option that is marked but not given as the answer yet: it stays while other lines are edited.
        let picked = null;
        // What can be undone: a text and a world, each with the line that was shown.
        const past = [];

        const ids = "simulator-" + document.querySelectorAll(".simulator .machine").length, tip = `${ids}-tip`;
        const list = make("ol", { class: "lines", "aria-label": WORDS.lines });
        const editor = make("textarea", { spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": WORDS.text });
        const bar = make("div", { class: "mark", "aria-hidden": "true" });
        const mistake = make("p", { class: "mistake", id: `${ids}-mistake`, role: "status" });
        const edits = make("div", { class: "edits", hidden: true }, make("div", { class: "paper" }, bar, editor), mistake);
        const drawing = make("div", {});
        const legend = make("p", {});
        const key = make("details", {}, make("summary", {}, WORDS.key), legend);
        const stage = make("figure", { class: "stage drawing", id: `figure-${ids}` }, drawing, make("figcaption", {}, key));
        const button = (words, sign, act, name = "") => make("button", { type: "button", class: name, "aria-label": words, title: words, onclick: act }, sign);
        const toFirst = button(WORDS.first, "|◀", () => go(0), "far"), toBack = button(WORDS.back, "◀", () => go(at - 1));
        toBack.setAttribute("aria-keyshortcuts", "ArrowLeft");
        const toNext = make("button", { type: "button", class: "next", "aria-keyshortcuts": "ArrowRight", onclick: () => go(at + 1) }, WORDS.forward + " ▶");
        const toLast = button(WORDS.last, "▶|", () => go(lines().length), "far");
        const slider = make("input", { type: "range", min: "0", step: "1", "aria-label": WORDS.slider, oninput: () => go(Number(slider.value)) });
        const where = make("output", {});
        const controls = make("div", { class: "controls" }, toFirst, toBack, slider, where, toLast, toNext);
        const says = make("div", { class: "says", tabindex: "-1" });
        const status = make("p", { class: "unseen", role: "status" });
        const characters = make("pre", { id: `${ids}-characters`, tabindex: "0", role: "region", "aria-label": WORDS.characters });
        const edit = make("button", { type: "button", "aria-expanded": "false", onclick: () => toggle() }, WORDS.edit);
        const undo = make("button", { type: "button", onclick: () => unmake().catch(refuse) }, WORDS.undo);
        const reset = make("button", { type: "button", onclick: () => change(original, 0) }, WORDS.reset);
        const link = make("button", { type: "button", onclick: () => copyLink() }, WORDS.link);
        const linked = make("span", { class: "linked", role: "status" });
        const verdict = make("div", { class: "verdict" });
        const refuse = (error) => { verdict.textContent = error.message; };
        const denials = make("select", { id: `${ids}-denials`, onchange: () => enter(denials.value || null).catch(refuse) });
        const worlds = make("details", { ontoggle: () => { if (worlds.open) { offer().catch(refuse); } } }, make("summary", {}, WORDS.what_if),
            make("label", { for: denials.id }, WORDS.denies), denials, verdict);
        const command = make("pre", {}, make("code", { class: "language-sh" }));
        const machine = make("section", { class: "machine", "aria-label": say(WORDS.simulator, title) },
            make("div", { class: "tools" }, edit, undo, reset, link, linked),
            make("div", { class: "two" }, make("div", { class: "script" }, list, edits), make("div", { class: "right-hand" }, stage, controls, says)), status,
            make("div", { class: "more" }, worlds, make("details", {}, make("summary", {}, WORDS.characters), characters),
                make("details", {}, make("summary", {}, WORDS.kernel), make("p", {}, WORDS.kernel_says), command)));

        const shown = () => other ?? reply;
        const lines = () => shown()?.lines ?? [];
        const questionOf = (index) => reply.lines.slice(0, index + 1).map(({ process, operation }) => `${process} ${operation}`).join("\n");
        const asks = (index) => {
            const line = reply?.lines[index];
            return world === null && line?.asked && line.options?.length > 1 && !answers.has(questionOf(index)) ? line : null;
        };
        // What a line says that the model contradicts.
        const refuted = (index) => world === null && reply?.lines[index]?.refuted;

        // Nobody steps past a question.
        const go = (to) => {
            to = Math.max(0, Math.min(lines().length, to));
            const open = lines().findIndex((_, index) => asks(index));
            at = open >= 0 ? Math.min(to, open) : to;
            message = to > at ? say(WORDS.waits, lines()[at].number) : "";
            show();
        };

        const answer = (choice) => {
            answers.set(questionOf(at), choice);
            toNext.disabled = false;
            toNext.focus({ preventScroll: true });
            go(at + 1);
        };

        // ---- What it shows ----

        const show = () => {
            showLines();
            showPicture();
            showWords();
            const all = lines().length;
            slider.max = all;
            slider.value = at;
            const line = lines()[at - 1];
            const now = line ? say(WORDS.line, line.number, `${line.process} ${line.operation}`) : WORDS.start;
            slider.setAttribute("aria-valuetext", now);
            where.textContent = say(WORDS.of, at, all);
            // What is hidden has lost the focus at once.
            const { activeElement: focus } = document;
            toFirst.disabled = toBack.disabled = at === 0;
            toLast.disabled = toNext.disabled = at === all || asks(at) !== null;
            undo.hidden = past.length === 0;
            reset.hidden = text === original;
            // A button that can't be pressed any more would take the keys with it.
            if (machine.contains(focus) && (focus.disabled || focus.hidden)) { says.focus({ preventScroll: true }); }
            const gives = line ? ` ${WORDS.gives} ${line.model}` : "";
            status.textContent = [message, now + gives + WORDS.ends, ...(line ? picture.changes(scenes[at]) : [])].join(" ");
        };

        let buttons = [];
        const showLines = () => {
            if (told_of !== shown()) {
                told_of = shown();
                buttons = lines().map((line, index) => {
                    const does = make("span", { class: "does" }, `${line.process} ${line.operation}`, make("small", {}, comment(line.text) || line.words[language]));
                    return make("button", { type: "button", onclick: () => go(index + 1) }, make("span", { class: "number" }, line.number), does, make("span", { class: "gives" }));
                });
                list.replaceChildren(...buttons.map((element) => make("li", {}, element)));
            }
            lines().forEach((line, index) => {
                const element = buttons[index], gives = element.lastChild;
                const open = asks(index);
                element.classList.toggle("future", index >= at);
                if (index === at - 1) { element.setAttribute("aria-current", "step"); } else { element.removeAttribute("aria-current"); }
                gives.textContent = index < at ? short(line.model.split("/")[0]) + (refuted(index) ? ` ≠ ${short(line.claim)}` : "") : open ? "?" : "";
                gives.classList.toggle("ends", /^(SIG|E[A-Z]+$)/.test(line.model) || refuted(index));
                gives.classList.toggle("open", index >= at);
                gives.classList.toggle("differs", other !== null && reply.lines[index]?.model !== line.model);
            });
            const current = buttons[at - 1] ?? buttons[0];
            if (current && list.scrollHeight > list.clientHeight) { list.scrollTop = current.offsetTop - list.clientHeight / 2; }
        };

        let room = 0, isWide = null;
        const showPicture = () => {
            const scene = scenes[at];
            if (!scene) { return; }
            const { width, height, drawing: inside } = picture.draw(scene, room, tip);
            drawing.innerHTML = `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-describedby="${ids}-characters"></svg>`;
            const svg = drawing.firstChild;
            svg.setAttribute("aria-label", at === 0 ? WORDS.before_all : say(WORDS.picture, scene.line.number));
            svg.innerHTML = inside;
            characters.textContent = at === 0 ? WORDS.before_all : scene.line.drawn.join("\n");
        };
        // Its place is as high as the highest picture, so that the buttons below it stay where they are.
        const measure = () => {
            room = stage.clientWidth - parseFloat(getComputedStyle(stage).paddingLeft) * 2;
            const kinds = new Set();
            const highest = scenes.slice(0, 60).reduce((most, scene) => {
                const { height, kinds: found } = picture.draw(scene, room, tip);
                found.forEach((kind) => kinds.add(kind));
                return Math.max(most, height);
            }, 0);
            const was = isWide;
            isWide = machine.clientWidth >= WIDE;
            drawing.style.minHeight = isWide ? `${Math.min(highest, 620)}px` : "";
            // The reader may have opened it.
            if (isWide !== was) { key.open = isWide; }
            legend.replaceChildren(...[...SAMPLES, "map", "copy", "changed"].filter((kind) => kinds.has(kind)).map((kind) => sample(kind, tip)));
        };

        const listOf = (outcomes) => outcomes.flatMap(({ outcome }, n) => [n > 0 ? WORDS.and : "", code(short(outcome))]);
        const showWords = () => {
            const line = lines()[at - 1], question = asks(at), chosen = line && reply.lines[at - 1]?.asked ? answers.get(questionOf(at - 1)) : null;
            const parts = [];
            if (message) { parts.push(make("p", { class: "waits" }, message)); }
            if (question) { parts.push(form(question)); }
            if (reply?.error && !editing) { parts.push(make("p", { class: "mistake" }, placed(reply.error))); }
            if (chosen && world === null) { parts.push(feedback(chosen, line)); }
            if (world !== null) {
                const back = make("button", { type: "button", onclick: () => enter(null) }, WORDS.to_real);
                parts.push(make("p", { class: "world" }, make("strong", {}, WORDS.in_world), " ", ...prose(facts().beliefs[world].belief), " ", back));
            }
            if (line) {
                parts.push(...happened(line));
            } else if (!question && !(reply?.error && lines().length === 0)) {
                parts.push(make("p", {}, reply && lines().length === 0 ? WORDS.no_lines : WORDS.begin));
            }
            says.replaceChildren(...parts);
        };

        // What a line gives, by which rule, and what it changes.
        const happened = (line) => {
            const parts = [], real = reply.lines[at - 1];
            const really = real && real.model !== line.model ? told(WORDS.otherwise, code(short(real.model))) : [];
            const gives = make("strong", {}, code(short(line.model)));
            parts.push(make("p", { class: "outcome" }, code(`${line.process} ${line.operation}`), ` ${WORDS.gives} `, gives, ...meaning(line.model, line), ...really));
            if (refuted(at - 1) && !editing) { parts.push(make("p", { class: "mistake" }, placed(mistakeOf(line)))); }
            const { sentence, basis, read, name } = line.rule;
            // A rule that doesn't hold explains nothing, and where a line gives something else, no rule of the kernel does.
            if (world === null || (name !== facts().beliefs[world].rule && really.length === 0)) {
                const origin = make("span", { class: "basis" }, WORDS.basis[basis]);
                parts.push(make("p", { class: "rule" }, ...prose(sentence[language]), " ", origin, " ", make("a", { href: read }, WORDS.reads)));
            }
            if (line.posix.length > 0) { parts.push(make("p", {}, ...told(WORDS.posix, listOf(line.posix)).flat())); }
            for (const { names, outcome } of line.file_systems) { parts.push(make("p", {}, ...told(WORDS.elsewhere, names[language], code(short(outcome))))); }
            const changes = picture.changes(scenes[at]);
            parts.push(make("p", { class: "changes" }, changes.length > 0 ? WORDS.changes : WORDS.nothing));
            if (changes.length > 0) { parts.push(make("ul", { class: "changes" }, ...changes.map((change) => make("li", {}, change)))); }
            return parts;
        };

        // The question what a line gives.
        const form = (question) => {
            const name = `${ids}-option`, of = questionOf(at);
            const isPicked = (outcome) => picked?.of === of && picked.outcome === outcome;
            const commit = make("button", { type: "submit" }, WORDS.answer);
            commit.disabled = !question.options.some(({ outcome }) => isPicked(outcome));
            const options = question.options.map(({ outcome }, n) => {
                const choice = make("input", { type: "radio", name, value: String(n), onchange: () => { picked = { of, outcome }; commit.disabled = false; } });
                choice.checked = isPicked(outcome);
                return make("label", {}, choice, " ", code(outcome), ...meaning(outcome, question));
            });
            const submit = (event) => {
                event.preventDefault();
                const chosen = new FormData(event.target).get(name);
                if (chosen !== null) { answer(question.options[chosen]); }
            };
            const legend = make("legend", {}, say(WORDS.asks, question.number), make("br"), code(`${question.process} ${question.operation}`));
            return make("form", { class: "asks", onsubmit: submit },
                make("fieldset", {}, legend, make("p", { class: "words" }, question.words[language]), make("div", { class: "options" }, ...options)),
                commit, " ", make("button", { type: "button", onclick: () => answer(null) }, WORDS.show));
        };

        const feedback = ({ outcome: chosen, beliefs }, line) => {
            if (chosen === line.model) { return make("div", { class: "right" }, make("p", {}, make("strong", {}, "✓ ", ...told(WORDS.yes, code(chosen))))); }
            const believed = (beliefs ?? []).map((slug) => [slug, facts().beliefs[slug]]).filter(([, belief]) => belief);
            return make("div", { class: "wrong" }, make("p", {}, make("strong", {}, "✗ ", ...told(WORDS.no, code(chosen), code(line.model)))),
                ...(believed.length === 0 ? [make("p", {}, WORDS.nobody)] : [make("p", {}, WORDS.belief)]),
                ...believed.flatMap(([slug, { belief, against, place, heading }]) => [
                    make("p", {}, make("em", {}, "“", ...prose(belief), "”"), " ", make("a", { href: `model.html#${slug}`, class: "basis" }, slug)),
                    make("p", {}, make("strong", {}, WORDS.against), " ", ...prose(against), " ", make("a", { href: place }, heading))]));
        };

        // ---- What it plays ----

        const request = (without) => (text === original && without === null && said ? Promise.resolve(said)
            : engine.ask({ scenario: text, page_size: facts().page_size, language, without }));
        const take = (next, to) => {
            reply = next;
            other = null;
            if (next.error && next.lines.length === 0 && !editing) { toggle(); }
            enterLines(to);
        };
        const enterLines = (to) => {
            scenes = picture.scenes(lines(), facts().page_size);
            measure();
            showMistake();
            const isOfBook = text === original;
            command.firstChild.textContent = isOfBook ? `cargo run -- play ${file} --trace` : `cargo run -- play - --trace <<'END'\n${text.trim()}\nEND`;
            // Without a line it waits at the first question: the picture before it is worth looking at.
            go(typeof to === "function" ? to(lines()) : to ?? (lines().some((_, index) => asks(index)) ? lines().length : 0));
            // Nobody has asked to step past the question yet.
            if (message && typeof to !== "number") { message = ""; show(); }
        };
        let asked = 0;
        const play = async (to) => {
            const mine = asked += 1;
            try {
                const next = await request(null);
                if (mine === asked) { take(next, to); }
                if (isMain && mine === asked) { keep(); }
            } catch (error) {
                if (mine !== asked) { return; }
                mistake.textContent = message = error.message;
                if (reply) { show(); } else { says.textContent = message; }
            }
        };

        // What is edited survives a reload, and the way to the other language.
        const keep = () => {
            const hash = text === original ? "" : `#s=${encodeURIComponent(text)}&at=${at}`;
            if (!hash && !location.hash.startsWith("#s=")) { return; }
            try { history.replaceState(history.state, "", location.pathname + location.search + hash); } catch (e) { /* too long, or too often */ }
        };

        const change = (next, to) => {
            past.push({ text, world, at, answers: new Map(answers) });
            text = editor.value = next;
            world = null;
            denials.value = "";
            answers = new Map();
            return play(to);
        };
        const unmake = async () => {
            const was = past.pop();
            if (!was) { return; }
            ({ text, answers } = was);
            world = null;
            editor.value = text;
            await play(was.at);
            if (was.world !== null) { await enter(was.world, false); go(was.at); }
            denials.value = world ?? "";
        };

        // ---- Editing ----

        const toggle = () => {
            editing = !editing;
            edits.hidden = !editing;
            list.hidden = editing;
            edit.textContent = editing ? WORDS.done : WORDS.edit;
            edit.setAttribute("aria-expanded", String(editing));
            if (!editing) { if (reply) { go(at); message = ""; show(); } return; }
            editor.value = text;
            editor.rows = Math.max(6, Math.min(18, text.split("\n").length + 1));
            editor.focus();
        };
        // What is typed in one go is undone in one go.
        let due = null, typed = 0;
        editor.addEventListener("input", () => {
            const now = Date.now();
            if (now - typed > 1500) { past.push({ text, world, at, answers: new Map(answers) }); }
            typed = now;
            text = editor.value;
            world = null;
            denials.value = "";
            clearTimeout(due);
            due = setTimeout(() => play(cursor()), 120);
        });
        // The line of the cursor is shown.
        const cursor = () => {
            const line = editor.value.slice(0, editor.selectionStart).split("\n").length;
            return (all) => all.filter(({ number }) => number <= line).length;
        };
        // The claim of a line, as an error at its place.
        const mistakeOf = ({ number, text: written, claim, model }) => ({
            line: number, column: [...written.slice(0, written.lastIndexOf("=>"))].length + 1, [language]: say(WORDS.refuted, short(claim), short(model)),
        });
        const placed = (error) => (error.column ? say(WORDS.error, error.line, error.column, error[language]) : say(WORDS.error_line, error.line, error[language]));
        const showMistake = () => {
            const error = reply?.error ?? reply?.lines.filter((_, index) => refuted(index)).map(mistakeOf)[0];
            editor.setAttribute("aria-invalid", String(Boolean(error)));
            editor.setAttribute("aria-describedby", mistake.id);
            bar.hidden = !error;
            if (!error) { mistake.replaceChildren(); return; }
            const toError = make("button", { type: "button", onclick: () => {
                const before = editor.value.split("\n").slice(0, error.line - 1).join("\n").length + (error.line > 1 ? 1 : 0);
                editor.focus();
                editor.setSelectionRange(before + (error.column ?? 1) - 1, before + editor.value.split("\n")[error.line - 1].length);
            } }, WORDS.to_error);
            mistake.replaceChildren(placed(error), " ", toError);
            markLine(error.line);
        };
        let marked = 0;
        const markLine = (line) => {
            marked = line;
            const { lineHeight, paddingTop } = getComputedStyle(editor);
            bar.style.top = `${parseFloat(paddingTop) + (line - 1) * parseFloat(lineHeight) - editor.scrollTop}px`;
            bar.style.height = lineHeight;
        };
        editor.addEventListener("scroll", () => { if (!bar.hidden) { markLine(marked); } });

        // ---- Other rules ----

        const enter = async (slug, undoable = true) => {
            if (undoable) { past.push({ text, world, at, answers: new Map(answers) }); }
            world = slug;
            other = null;
            denials.value = slug ?? "";
            if (slug !== null) { other = await request(facts().beliefs[slug].rule); }
            verdict.replaceChildren(...(slug === null ? [] : compared(slug)));
            scenes = picture.scenes(lines(), facts().page_size);
            go(Math.min(at, lines().length));
        };
        // Which rule doesn't hold, and the first line that shows it.
        const compared = (slug) => {
            const denied = make("p", {}, make("strong", {}, WORDS.denied), " ", ...prose(facts().beliefs[slug].sentence));
            const first = difference(reply, other);
            if (first < 0) { return [denied, make("p", {}, WORDS.never)]; }
            const [really, there] = [reply.lines[first], other.lines[first]];
            const toLine = make("button", { type: "button", onclick: () => go(first + 1) }, say(WORDS.to_line, really.number));
            return [denied, make("p", {}, ...told(WORDS.differs, really.number, code(short(there?.model ?? "n/a")), code(short(really.model))), " ", toLine)];
        };
        const difference = (one, two) => one.lines.findIndex((line, index) => two.lines[index]?.model !== line.model);
        // Those that change this scenario come first.
        let offered = null;
        const offer = async () => {
            if (offered === text) { return; }
            offered = text;
            const all = Object.entries(facts().beliefs);
            const differ = [];
            for (const [slug, { rule }] of all) {
                const there = await request(rule);
                if (offered !== text) { return; }
                if (difference(reply, there) >= 0) { differ.push(slug); }
            }
            const option = ([slug, { belief }]) => make("option", { value: slug }, belief.replaceAll("`", ""));
            const group = (label, of) => (of.length > 0 ? [make("optgroup", { label }, ...of.map(option))] : []);
            denials.replaceChildren(make("option", { value: "" }, WORDS.real),
                ...group(WORDS.differing, all.filter(([slug]) => differ.includes(slug))), ...group(WORDS.same, all.filter(([slug]) => !differ.includes(slug))));
            denials.value = world ?? "";
        };

        const copyLink = async () => {
            const page = new URL("simulator.html", location.href);
            page.hash = `s=${encodeURIComponent(text)}&at=${at}`;
            try {
                await navigator.clipboard.writeText(page.href);
                linked.textContent = WORDS.linked;
            } catch (e) {
                const field = make("input", { readonly: true, value: page.href, "aria-label": WORDS.link_is });
                linked.replaceChildren(WORDS.link_is, " ", field);
                field.select();
            }
            setTimeout(() => { if (!linked.contains(document.activeElement)) { linked.textContent = ""; } }, 4000);
        };

        machine.addEventListener("keydown", (event) => {
            const { target, key } = event;
            if (event.altKey || event.metaKey) { return; }
            if (event.ctrlKey && key === "z" && !event.shiftKey && target !== editor) { event.preventDefault(); unmake().catch(refuse); return; }
            const way = { ArrowLeft: -1, ArrowRight: 1 }[key];
            if (!way || event.ctrlKey || event.shiftKey || target.closest("input, textarea, select, pre")) { return; }
            event.preventDefault();
            event.stopPropagation();
            go(at + way);
        });
        new ResizeObserver(() => {
            const now = stage.clientWidth - parseFloat(getComputedStyle(stage).paddingLeft) * 2;
            if (reply && Math.abs(now - room) > 1) { measure(); showPicture(); }
        }).observe(stage);

        host.append(machine);
        if (inLink) { text = inLink; }
        editor.value = text;
        return play(first).then(() => machine);
    };

    // What the address says: a scenario, and the line.
    const linked = () => {
        const values = new URLSearchParams(location.hash.slice(1));
        return values.has("s") ? { inLink: values.get("s"), at: Number(values.get("at")) || null } : null;
    };

    for (const host of document.querySelectorAll(".simulator")) {
        const { scenario, file, open: isMain } = host.dataset;
        let heading = host.previousElementSibling;
        while (heading && !/^H[1-6]$/.test(heading.tagName)) { heading = heading.previousElementSibling; }
        const title = heading?.textContent ?? "";
        // What the model says of the scenario, where the page has it.
        const said = host.querySelector("script");
        const open = async (options = {}) => {
            host.querySelector(".opens")?.remove();
            const place = make("div", {}, make("p", {}, WORDS.loads));
            host.prepend(place);
            try {
                await engine.prepare();
            } catch (error) {
                place.textContent = say(WORDS.fails, error.message);
                return null;
            }
            place.replaceChildren();
            return simulator(place, { text: scenario, file, title, isMain: isMain !== undefined, said: said && JSON.parse(said.textContent), ...options });
        };
        if (isMain !== undefined) {
            // Without a script this is what the page shows.
            host.querySelector("details").open = false;
            const begin = () => {
                host.querySelector(".machine")?.parentElement.remove();
                open(linked() ?? {});
            };
            begin();
            addEventListener("hashchange", () => { if (linked()) { begin(); } });
        } else {
            const begin = () => open({ at: 0 }).then((machine) => machine?.querySelector(".next").focus());
            host.prepend(make("button", { type: "button", class: "opens", "aria-label": say(WORDS.opens_this, title), onclick: begin }, "▶ ", WORDS.opens));
        }
    }
})();
