"use strict";

// Questions that answer: which option was chosen first, what was predicted, and a chapter's score in the contents. It is
// remembered in this browser, or where that stores nothing, as long as the page is open.
(() => {
    const { make, remember, remembered } = window.workbook;

    // By page: how many questions it has, of each that is answered the option and whether it is right, and the predictions.
    let all = {};
    const load = () => {
        const stored = remembered("questions");
        try { if (stored !== null) { all = Object(JSON.parse(stored)); } } catch (e) { /* of somebody else: it is written anew */ }
    };
    const of = (page) => {
        const { questions, answers, predictions } = Object(all[page]);
        const sound = Object.entries(Object(answers)).filter(([, answer]) => Array.isArray(answer));
        return { questions: Number(questions) || 0, answers: Object.fromEntries(sound), predictions: { ...Object(predictions) } };
    };
    const change = (page, how) => {
        // Another tab may have stored something.
        load();
        const changed = of(page);
        how(changed);
        all[page] = changed;
        const text = JSON.stringify(all);
        remember("questions", text);
        isKept = remembered("questions") === text;
        draw();
    };
    let isKept = true;

    const elements = (selector) => [...document.querySelectorAll(selector)];
    const rightOf = (answers) => Object.values(answers).filter(([, isRight]) => isRight).length;

    // ---- What is seen of it ----

    const says = make("p", { className: "unseen" });
    says.setAttribute("role", "status");
    document.querySelector("main").append(says);

    const places = elements(".remembered");
    const words = places[0]?.dataset;
    // What was forgotten last, by page: that can be undone until something new is answered.
    const forgotten = new Map();
    const questions = elements(".question[data-page]");
    const questionsOf = (page) => questions.filter((question) => pageOf(question) === page);
    const fields = elements(".prediction [data-asked]");
    const pageOf = (element) => element.closest("[data-page]").dataset.page;
    const idOf = (question) => question.id.replace("question-", "");
    const optionsOf = (question) => [...question.querySelectorAll(".option")];
    const chosen = (question) => {
        const [key] = of(pageOf(question)).answers[idOf(question)] ?? [];
        return optionsOf(question).find((option) => option.dataset.option === key);
    };

    const draw = () => {
        for (const link of elements("#contents a:not(.here a)")) {
            const { questions, answers } = of(link.pathname.split("/").pop().replace(".html", ""));
            link.querySelector(".score")?.remove();
            if (Object.keys(answers).length === 0) { continue; }
            link.append(make("span", { className: "score" }, `${rightOf(answers)}/${questions}`, make("span", { className: "unseen" }, document.body.dataset.scored)));
        }
        for (const question of questions) {
            const first = chosen(question);
            for (const option of optionsOf(question)) {
                option.classList.toggle("chosen", option === first);
                option.querySelector(".yours")?.remove();
                if (option === first) { option.querySelector("summary p:last-of-type").append(make("span", { className: "yours" }, words.yours)); }
            }
        }
        for (const place of places) {
            const { page } = place.dataset;
            const { answers } = of(page);
            const counts = { of: questionsOf(page).length, answered: Object.keys(answers).length, right: rightOf(answers) };
            place.querySelector("span").textContent = words.score.replace(/\{(\w+)\}/g, (_, name) => counts[name]) + words.space + (isKept ? words.kept : words.lost);
            place.querySelector("button").textContent = forgotten.has(page) ? words.undo : words.forget;
        }
        for (const field of fields) { field.value = of(pageOf(field)).predictions[field.dataset.asked] ?? ""; }
        for (const place of elements(".predicted")) {
            const given = fields.filter((field) => pageOf(field) === place.dataset.page && field.value !== "");
            for (const cell of place.querySelectorAll("[data-asked]")) {
                const field = given.find(({ dataset: { asked } }) => asked === cell.dataset.asked);
                // What was chosen is remembered by its key, and shown in the language of the page.
                cell.textContent = field ? field.selectedOptions?.[0].textContent ?? field.value : "–";
            }
            place.hidden = given.length === 0;
        }
    };

    // ---- What is done ----

    for (const question of questions) {
        for (const option of optionsOf(question)) {
            option.querySelector("summary").addEventListener("click", () => {
                if (chosen(question)) { return; }
                const [panel, isRight] = [option.querySelector("summary ~ div"), option.querySelector(".right") !== null];
                forgotten.delete(pageOf(question));
                change(pageOf(question), (now) => {
                    now.questions = questionsOf(pageOf(question)).length;
                    now.answers[idOf(question)] = [option.dataset.option, isRight];
                });
                question.querySelector(".answer").open = true;
                says.textContent = panel.textContent.trim().replace(/\s+/g, " ");
            });
        }
    }

    for (const field of fields) {
        field.addEventListener("change", () => change(pageOf(field), (page) => { page.predictions[field.dataset.asked] = field.value.trim(); }));
    }

    for (const place of places) {
        const { page } = place.dataset;
        const button = make("button", { type: "button" });
        button.addEventListener("click", () => {
            const before = of(page);
            const again = forgotten.get(page) ?? { answers: {}, predictions: {} };
            if (!forgotten.delete(page)) { forgotten.set(page, before); }
            change(page, (now) => Object.assign(now, again));
            unfold();
        });
        place.append(make("span"), " ", button);
    }

    // Shows what was answered.
    const unfold = () => {
        for (const question of questions) {
            const first = chosen(question);
            for (const details of question.querySelectorAll(".option, .answer")) { details.open = first !== undefined && (details === first || details.matches(".answer")); }
        }
    };

    load();
    // What an earlier edition asked is no part of the score.
    for (const { dataset: { page } } of places) {
        const { answers } = of(page);
        const gone = Object.keys(answers).filter((id) => !questionsOf(page).some((question) => idOf(question) === id && chosen(question)));
        if (gone.length > 0) { change(page, (now) => { gone.forEach((id) => { delete now.answers[id]; }); now.questions = questionsOf(page).length; }); }
    }
    for (const group of elements(".prediction")) { group.hidden = false; }
    draw();
    if (questions.some(chosen)) {
        unfold();
        // What is linked to has moved.
        try { document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView(); } catch (e) { /* "#100%" */ }
    }
})();
