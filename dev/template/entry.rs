    Lesson {
        number: NUMBER,
        slug: "SLUG",
        title: Text::fixed("TITLE", "TITLE"),
        question: Text::fixed("What does the lesson find out?", "这一课要弄清楚什么？"),
        demonstrate: crate::lesson_NUMBER::demonstrate,
        copy_only: None,
        draft: true,
    },
