#include "tui/prompt.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "faces/text.h"
#include "base/utf8.h"

void
prompt_line(struct console *c, const char *label, const char *input,
	void (*typed)(struct console *c, const char *input),
	void (*answered)(struct console *c, const char *input))
{
	struct prompt *p = &c->prompt;

	*p = (struct prompt){
		.label = label, .typed = typed, .answered = answered};
	str_copyz(p->input, sizeof(p->input), input);
}

void
prompt_yes(struct console *c, const char *question,
	void (*answered)(struct console *c, const char *input))
{
	struct prompt *p = &c->prompt;
	struct buf clean;

	*p = (struct prompt){
		.label = "[y/n]", .yes_no = true, .answered = answered};
	buf_init(&clean, 0);
	text_clean(&clean, str_of(question));
	str_copyz(p->question, sizeof(p->question), buf_z(&clean));
	buf_free(&clean);
}

static bool
is_yes(struct str answer)
{
	return str_eq_nocase(answer, STR("y")) ||
	       str_eq_nocase(answer, STR("yes"));
}

void
prompt_answer(struct console *c, const char *input)
{
	struct prompt p = c->prompt;

	c->prompt.label = NULL;
	if (p.yes_no && input && !is_yes(str_trim(str_of(input))))
		input = NULL;
	p.answered(c, input);
}

/* --- typing --- */

static void
drop_last(char *input)
{
	size_t n = strlen(input);

	while (n && ((unsigned char)input[n - 1] & 0xc0) == 0x80)
		n--;
	input[n ? n - 1 : 0] = '\0';
}

static void
drop_word(char *input)
{
	size_t n = strlen(input);

	while (n && input[n - 1] == ' ')
		n--;
	while (n && input[n - 1] != ' ')
		n--;
	input[n] = '\0';
}

static void
add_character(char *input, size_t size, uint32_t c)
{
	char octets[4];
	size_t n = utf8_write(c, octets);

	if (!utf8_is_control(c) && n && strlen(input) + n < size)
		strncat(input, octets, n);
}

void
prompt_key(struct console *c, int key)
{
	struct prompt *p = &c->prompt;
	enum { DROP_WORD = 0x17, DROP_ALL = 0x15, GIVE_UP = 0x07 };

	if (key == KEYS_ESCAPE || key == GIVE_UP) {
		prompt_answer(c, NULL);
		return;
	}
	if (p->yes_no) {
		if (key == 'y' || key == 'Y')
			prompt_answer(c, "y");
		else if (key == 'n' || key == 'N' || key == 'q' ||
			 key == KEYS_ENTER)
			prompt_answer(c, NULL);
		return;
	}
	if (key == KEYS_ENTER) {
		prompt_answer(c, p->input);
		return;
	}
	if (key == KEYS_BACKSPACE)
		drop_last(p->input);
	else if (key == DROP_WORD)
		drop_word(p->input);
	else if (key == DROP_ALL)
		p->input[0] = '\0';
	else if (key > 0 && key < KEYS_SPECIAL)
		add_character(p->input, sizeof(p->input), (uint32_t)key);
	if (p->typed)
		p->typed(c, p->input);
}

/* --- the filter --- */

static void
filter_typed(struct console *c, const char *input)
{
	struct view *v = c->view;

	str_copyz(v->filter, sizeof(v->filter), input);
	v->ops->filter(v);
}

static void
filter_answered(struct console *c, const char *input)
{
	filter_typed(c, input ? input : c->prompt.before);
}

void
prompt_filter(struct console *c)
{
	if (!c->view->ops->filter) {
		console_say(c, TONE_WARN, "nothing to filter here");
		return;
	}
	prompt_line(c, "show only:", c->view->filter, filter_typed,
		filter_answered);
	str_copyz(c->prompt.before, sizeof(c->prompt.before), c->view->filter);
}
