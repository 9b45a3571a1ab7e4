"""The words of the interface in English and Russian, in one table, so that neither language can lack one.

Values stand in braces and are put in by name. Nouns that are counted have a table of their own: English has two
forms, Russian three (https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html).
"""

from dataclasses import dataclass

from monitor.model import Language

TEXTS: dict[str, tuple[str, str]] = {
    # every page
    "site": ("Review", "Разбор"),
    "skip": ("Skip to the content", "К содержанию"),
    "nav": ("Pages", "Страницы"),
    "nav.queue": ("Queue", "Очередь"),
    "nav.mine": ("Mine", "Мои"),
    "nav.second_look": ("Second look", "Второй взгляд"),
    "nav.nobodys": ("Nobody's", "Ничьи"),
    "nav.board": ("Board", "Табло"),
    "nav.channels": ("Channels", "Каналы"),
    "nav.precision": ("Rules' precision", "Точность правил"),
    "nav.account": ("My account", "Учётная запись"),
    "sign_out": ("Sign out", "Выйти"),
    "signed_in_as": ("Signed in as {name}", "Вы вошли как {name}"),
    "language": ("Language", "Язык"),
    "utc": ("All times are in UTC", "Всё время указано по UTC"),
    "back": ("Back to the queue", "К очереди"),
    # keys
    "keys": ("Keys", "Клавиши"),
    "keys.title": ("Keys of this page", "Клавиши этой страницы"),
    "keys.off": (
        "Single keys are turned off; Ctrl+k still works.",
        "Одиночные клавиши выключены; Ctrl+k работает.",
    ),
    "palette": ("Actions", "Действия"),
    "palette.title": ("What do you want to do?", "Что сделать?"),
    "palette.none": ("Nothing of that name on this page", "На этой странице такого нет"),
    "close": ("Close", "Закрыть"),
    # signing in
    "login.title": ("Sign in", "Вход"),
    "login.name": ("Name", "Имя"),
    "login.password": ("Password", "Пароль"),
    "login.do": ("Sign in", "Войти"),
    "login.wrong": ("The name or the password is wrong.", "Неверное имя или пароль."),
    "login.wait": (
        "Too many failed attempts. The next one is possible at {at} UTC.",
        "Слишком много неудачных попыток. Следующая возможна в {at} по UTC.",
    ),
    "login.help": (
        "Whoever runs this site makes an account with “monitor user add”.",
        "Учётную запись заводит тот, у кого работает сайт: «monitor user add».",
    ),
    # my account
    "account.title": ("My account", "Моя учётная запись"),
    "account.role": ("Role", "Роль"),
    "account.since": ("Since", "С"),
    "account.preferences": ("Language and keys", "Язык и клавиши"),
    "account.keys": ("Single keys act (j, k, 1, 2 …)", "Одиночные клавиши работают (j, k, 1, 2 …)"),
    "account.keys.why": (
        "Turn this off if you speak to your computer or press keys by accident.",
        "Выключите, если вы управляете голосом или нажимаете клавиши случайно.",
    ),
    "account.keep": ("Keep", "Сохранить"),
    "account.password": ("Change the password", "Смена пароля"),
    "account.password.now": ("Present password", "Нынешний пароль"),
    "account.password.new": ("New password", "Новый пароль"),
    "account.password.again": ("New password again", "Новый пароль ещё раз"),
    "account.password.rule": ("{shortest} characters or more.", "Не короче {shortest} символов."),
    "account.password.change": ("Change it and sign out elsewhere", "Сменить и выйти на других устройствах"),
    "account.password.wrong": ("The present password is wrong.", "Нынешний пароль неверен."),
    "account.password.differ": ("The new passwords differ.", "Новые пароли не совпадают."),
    "account.password.refused": (
        "The new password must have {shortest} to {longest} characters.",
        "В новом пароле должно быть от {shortest} до {longest} символов.",
    ),
    "done.kept": ("Kept.", "Сохранено."),
    "done.password": (
        "The password is changed, and all your other sessions are over.",
        "Пароль сменён, остальные ваши сеансы завершены.",
    ),
    # roles
    "role.viewer": ("viewer", "наблюдатель"),
    "role.analyst": ("analyst", "аналитик"),
    "role.lead": ("lead", "старший"),
    # the queue
    "views": ("Views", "Разделы"),
    "view.queue": ("Queue", "Очередь"),
    "view.mine": ("Mine", "Мои"),
    "view.nobodys": ("Nobody's", "Ничьи"),
    "view.overdue": ("Overdue", "Просроченные"),
    "view.second": ("Second look", "Второй взгляд"),
    "view.escalated": ("Escalated", "Переданные старшему"),
    "view.snoozed": ("Snoozed", "Отложенные"),
    "view.decided": ("Decided", "Решённые"),
    "view.closed": ("Closed", "Закрытые"),
    "queue.next": ("Claim the next case", "Взять следующий"),
    "queue.down": ("Down", "Вниз"),
    "queue.up": ("Up", "Вверх"),
    "queue.pick": ("Choose this case", "Выбрать этот случай"),
    "queue.chosen": ("Those chosen:", "Выбранные:"),
    "queue.more": ("More", "Дальше"),
    "queue.empty": (
        "Nothing is here. New cases come by themselves.",
        "Здесь пусто. Новые случаи придут сами.",
    ),
    "queue.narrowed": ("Narrowed to", "Только"),
    "queue.widen": ("show all", "показать все"),
    "queue.fresh": ("{n} new — show", "Новых: {n} — показать"),
    "queue.handover": ("{name} hands over", "{name} сдаёт смену"),
    "queue.done.empty": ("There is no further case here.", "Больше случаев здесь нет."),
    "queue.done.decided": ("Decided.", "Решено."),
    "queue.done.undone": ("Taken back.", "Отменено."),
    "queue.done.bulk": ("Decided together.", "Решено вместе."),
    "queue.done.released": ("Given back to the queue.", "Возвращено в очередь."),
    "undo": ("Undo", "Отменить"),
    "undo_last": ("Undo my decision", "Отменить моё решение"),
    "mine": ("mine", "у меня"),
    "edited": ("edited", "изменён"),
    "reopened": ("reopened", "открыт снова"),
    "gone": ("deleted", "удалена"),
    # a case
    "case.title": ("Case {number}", "Случай {number}"),
    "case.wakes": ("comes back", "вернётся"),
    "case.held_by": ("held by {name} until", "у {name} до"),
    "case.lost": (
        "This case is not yours any more: the claim ran out or was taken over.",
        "Этот случай больше не ваш: время вышло или его забрали.",
    ),
    "case.collected": ("collected", "собрано"),
    "case.edited": ("edited,", "изменено,"),
    "case.deleted": ("deleted", "удалено"),
    "case.missing": ("not visible since", "не видно с"),
    "case.forwarded": ("Forwarded from", "Переслано из"),
    "case.somebody": ("a user", "пользователя"),
    "case.reread": ("Changed since it was decided", "Изменилось после решения"),
    "case.media": ("Media, not loaded:", "Вложение, не загружено:"),
    "case.no_text": ("(no text)", "(без текста)"),
    "case.stable": ("Stable page", "Постоянная страница"),
    "case.telegram": ("On Telegram", "В Telegram"),
    "case.around": ("Ten posts before and after", "Десять записей до и после"),
    "case.this": ("this post", "эта запись"),
    "case.helps": ("What helps to decide", "Что поможет решить"),
    "case.why": ("Why it is here", "Почему это здесь"),
    "case.no_flag": ("No topic is found in it any more.", "Больше ни одной темы в нём не найдено."),
    "case.figures": ("Figures", "Числа"),
    "case.inferred": ("inferred:", "выведено:"),
    "case.versions": ("Versions", "Версии"),
    "case.version": ("Version {number}", "Версия {number}"),
    "case.copies": ("The same text elsewhere", "Тот же текст в других местах"),
    "case.more_copies": ("and {n} more", "и ещё {n}"),
    "case.channel": ("The channel", "Канал"),
    "case.history": ("What happened", "Что было"),
    "case.decide": ("Decide", "Решить"),
    "case.take_over": ("Take over from {name}", "Забрать у {name}"),
    "case.claim": ("Claim", "Взять"),
    "case.release": ("Give back", "Вернуть"),
    "case.opinion": ("Your own opinion", "Ваше мнение"),
    "case.no_opinion": ("not sure", "не уверен"),
    "case.wake": ("Until when", "До каких пор"),
    "case.reason": ("Reason", "Причина"),
    "case.note": ("Note", "Заметка"),
    "case.done.decided": ("Decided; here is the next case.", "Решено; вот следующий случай."),
    "case.done.undone": ("Taken back; the case is yours again.", "Отменено; случай снова ваш."),
    "case.done.claimed": ("The case is yours.", "Случай ваш."),
    "case.done.figure": ("Kept.", "Сохранено."),
    "wake.1h": ("for 1 hour", "на 1 час"),
    "wake.4h": ("for 4 hours", "на 4 часа"),
    "wake.12h": ("for 12 hours", "на 12 часов"),
    "wake.morning": ("until 08:00", "до 08:00"),
    "wake.edit": ("until edited", "до изменения"),
    "post.not_current": ("not what it says now", "сейчас там другое"),
    "post.retrieved": ("Retrieved", "Получено"),
    "post.address": ("Address", "Адрес"),
    "post.case": ("Case", "Случай"),
    "post.cite": ("Cite", "Сослаться"),
    "conflict.title": ("This cannot be done by now", "Сейчас этого сделать нельзя"),
    "conflict.onwards": ("See how it stands", "Посмотреть, как обстоит дело"),
    "conflict.held": ("Another analyst holds this case.", "Этот случай у другого аналитика."),
    "conflict.edited": (
        "The post was edited while you read it; nothing was written.",
        "Пока вы читали, запись изменили; ничего не записано.",
    ),
    "conflict.own_second": (
        "You asked for this second look yourself; somebody else gives it.",
        "Второй взгляд просили вы; его даёт другой.",
    ),
    "conflict.accepted": (
        "This note waits for nobody: another analyst accepted it.",
        "Эту записку уже принял другой аналитик.",
    ),
    "conflict.settled": (
        "It was decided meanwhile, or this decision does not stand any more.",
        "Уже решено, или это решение больше не в силе.",
    ),
    # states, verdicts, events
    "state.open": ("open", "открыт"),
    "state.snoozed": ("snoozed", "отложен"),
    "state.second_look": ("second look", "второй взгляд"),
    "state.escalated": ("escalated", "передан старшему"),
    "state.decided": ("decided", "решён"),
    "state.closed": ("closed", "закрыт"),
    "verdict.relevant": ("Relevant", "По теме"),
    "verdict.not_relevant": ("Not relevant", "Не по теме"),
    "verdict.duplicate": ("Duplicate", "Повтор"),
    "verdict.second_look": ("Second look", "Второй взгляд"),
    "verdict.escalate": ("Escalate", "Старшему"),
    "verdict.snooze": ("Snooze", "Отложить"),
    "verdict.undo": ("Undo", "Отмена"),
    "event.opened": ("opened", "открыт"),
    "event.joined": ("a copy joined", "добавилась копия"),
    "event.edited": ("the post was edited", "запись изменена"),
    "event.topic_added": ("a topic was found", "найдена тема"),
    "event.reopened": ("reopened", "открыт снова"),
    "event.woken": ("came back", "вернулся"),
    "event.closed": ("closed: its last topic is gone", "закрыт: последняя тема исчезла"),
    "event.claimed": ("claimed", "взят"),
    "event.taken_over": ("taken over", "забран"),
    "event.released": ("given back", "возвращён"),
    # figures and channels
    "figure.confirm": ("Confirm", "Верно"),
    "figure.reject": ("Reject", "Неверно"),
    "figure.correct": ("Correct", "Исправить"),
    "figure.keep": ("Keep the correction", "Сохранить исправление"),
    "figure.low": ("from", "от"),
    "figure.high": ("to", "до"),
    "figure.kind": ("kind", "что"),
    "figure.side": ("side", "чьё"),
    "figure.confirmed": ("confirmed", "подтверждено"),
    "figure.corrected": ("corrected", "исправлено"),
    "figure.rejected": ("rejected", "отклонено"),
    "channel.then": ("Called then", "Тогда назывался"),
    "channel.person": ("Speaks for", "Говорит от имени"),
    "channel.subscribers": ("Subscribers", "Подписчики"),
    "channel.side": ("Side", "Сторона"),
    "kind.personnel": ("personnel", "личный состав"),
    "kind.killed": ("killed", "убитые"),
    "kind.wounded": ("wounded", "раненые"),
    "kind.captured": ("captured", "пленные"),
    "kind.losses": ("losses", "потери"),
    "kind.unit": ("units", "подразделения"),
    "kind.tank": ("tanks", "танки"),
    "kind.armour": ("armour", "бронетехника"),
    "kind.artillery": ("artillery", "артиллерия"),
    "kind.vehicle": ("vehicles", "техника"),
    "kind.aircraft": ("aircraft", "авиация"),
    "kind.drone": ("drones", "беспилотники"),
    "kind.munition": ("munitions", "боеприпасы"),
    "kind.other_equipment": ("other equipment", "прочее"),
    "kind.settlement": ("settlements", "населённые пункты"),
    "kind.distance": ("km", "км"),
    "kind.area": ("area", "площадь"),
    "side.ukraine": ("Ukraine", "Украина"),
    "side.russia": ("Russia", "Россия"),
    "side.north_korea": ("North Korea", "КНДР"),
    "side.other": ("other", "другие"),
    "side.unknown": ("unknown", "неизвестно"),
    # the figures board
    "board.title": ("Figures board", "Табло чисел"),
    "board.topic": ("Topic", "Тема"),
    "board.all": ("all", "все"),
    "board.since": ("From", "С"),
    "board.until": ("To", "По"),
    "board.side": ("side", "сторона"),
    "board.show": ("Show", "Показать"),
    "board.earlier": ("Earlier", "Раньше"),
    "board.later": ("Later", "Позже"),
    "board.empty": (
        "Nobody claimed a figure in this window. That nobody looked is another matter: see the channels.",
        "За это время никто чисел не называл. Но смотрели ли мы — видно на страницах каналов.",
    ),
    "board.capped": (
        "There are more claims in this window; only the newest {n} are shown.",
        "За это время чисел больше; показаны только последние {n}.",
    ),
    "board.legend": (
        "A bar goes from the lowest to the highest that was claimed; an open end fades out. Hollow is what was first read and then corrected; what is crossed out was rejected. A red bracket joins claims of one day that contradict each other. They are claims, not facts.",
        "Полоса идёт от наименьшего до наибольшего из названного; открытый конец тает. Пустой контур — прочитанное сначала и потом исправленное; зачёркнутое отклонено. Красная скоба соединяет противоречащие утверждения одного дня. Это утверждения, а не факты.",
    ),
    "board.table": ("The same as a table", "То же таблицей"),
    "board.channel": ("channel", "канал"),
    "board.time": ("time", "время"),
    "board.quote": ("quote", "цитата"),
    "board.figure": ("figure", "число"),
    "board.first": ("first read as", "сначала прочитано"),
    "board.against": ("contradicted by", "противоречит"),
    "board.corrected": ("corrected from", "исправлено с"),
    "board.inferred": ("inferred from the channel's side", "выведено из стороны канала"),
    "board.undrawn": ("contradictions not drawn", "не показано противоречий"),
    # the channels
    "channels.title": ("Channels", "Каналы"),
    "channels.name": ("Channel", "Канал"),
    "channels.label": ("Who it is", "Кто это"),
    "channels.week": ("Posts a day, 7 days", "Записей в день, 7 дней"),
    "channels.month": ("Posts a day, 30 days", "Записей в день, 30 дней"),
    "channels.look": ("Last look", "Смотрели"),
    "channels.post": ("Last post", "Последняя запись"),
    "channels.state": ("State", "Состояние"),
    "channels.empty": ("No channel is watched yet.", "Ни один канал пока не отслеживается."),
    "channels.state.ok": ("up to date", "в порядке"),
    "channels.state.new": ("never looked at", "ещё не смотрели"),
    "channels.state.failing": ("failing", "сбой"),
    "channels.state.paused": ("paused", "остановлен"),
    "channels.state.unwatched": ("held, not watched", "хранится, не отслеживается"),
    "channels.since": ("since", "с"),
    "channel.source": ("Source", "Источник"),
    "channel.pace": ("Pace", "Темп"),
    "channel.pace.line": (
        "{week} posts a day over 7 days, {month} over 30",
        "{week} записей в день за 7 дней, {month} за 30",
    ),
    "channel.gaps": ("Coverage", "Что просмотрено"),
    "channel.held": ("Posts held", "Записей хранится"),
    "channel.vacant": ("Ids proven to be empty", "Номеров заведомо пусто"),
    "channel.purged": ("Purged on request", "Изъято по запросу"),
    "channel.unshown": ("Ids that show no post, not asked for yet", "Номеров без записи, ещё не проверено"),
    "channel.looked": ("Looked at", "Просмотрены номера"),
    "channel.unknown": ("Nobody looked at", "Никто не смотрел номера"),
    "channel.no_gap": (
        "No gap between the first and the last id that was looked at.",
        "Между первым и последним просмотренным номером пропусков нет.",
    ),
    "channel.no_look": ("Nobody ever looked.", "Никто ни разу не смотрел."),
    "channel.more_ranges": ("and {n} more", "и ещё {n}"),
    "channel.failed": ("Looks of the last 30 days that gave nothing", "Безуспешные попытки за 30 дней"),
    "channel.looks": ("{n} looks", "попыток: {n}"),
    "channel.rates": ("Edited and deleted", "Изменено и удалено"),
    "channel.rates.of": ("Posts", "Записи"),
    "channel.rates.all": ("all held", "все"),
    "channel.rates.month": ("of the last 30 days", "за 30 дней"),
    "channel.rates.edited": ("Edited since first seen", "Изменено с первого просмотра"),
    "channel.rates.deleted": ("Deleted (proven)", "Удалено (доказано)"),
    "channel.rates.missing": ("Not visible (unproven)", "Не видно (не доказано)"),
    "channel.subscribers.line": (
        "From {first} to {last}; the scale does not begin at 0.",
        "С {first} до {last}; шкала начинается не с нуля.",
    ),
    "channel.subscribers.none": ("No number of subscribers was seen.", "Число подписчиков не видели."),
    "channel.names": ("Names", "Названия"),
    "channel.seen": ("Seen from", "Замечено"),
    "channel.handle": ("Handle", "Адрес"),
    "channel.called": ("Title", "Название"),
    # reasons
    "reasons.title": ("Reasons", "Причины"),
    "reasons.what": (
        "What an analyst may name as the reason of a decision, in this order. One that is retired stays in the decisions that name it.",
        "Что аналитик может назвать причиной решения, в этом порядке. Снятая причина остаётся в решениях, где она названа.",
    ),
    "reasons.offered": ("On offer", "Действующие"),
    "reasons.retired": ("Retired", "Снятые"),
    "reasons.key": ("Key", "Ключ"),
    "reasons.key.rule": (
        "Small Latin letters, digits and _, 32 at most; it stands in the decisions and never changes.",
        "Строчные латинские буквы, цифры и _, не больше 32; он остаётся в решениях и не меняется.",
    ),
    "reasons.since": ("Since", "С"),
    "reasons.change": ("Change", "Изменить"),
    "reasons.up": ("Up", "Выше"),
    "reasons.down": ("Down", "Ниже"),
    "reasons.retire": ("Retire", "Снять"),
    "reasons.back": ("Bring back", "Вернуть"),
    "reasons.add": ("Add a reason", "Добавить причину"),
    "reasons.problem.key": (
        "The key has small Latin letters, digits and _, and begins with a letter.",
        "Ключ состоит из строчных латинских букв, цифр и _ и начинается с буквы.",
    ),
    "reasons.problem.words": (
        "Both languages need words, of at most {longest} characters.",
        "Нужны слова на обоих языках, не длиннее {longest} символов.",
    ),
    "reasons.problem.taken": ("There is a reason of that key.", "Причина с таким ключом уже есть."),
    "reasons.done.added": ("Added.", "Добавлено."),
    "reasons.done.moved": ("Moved.", "Перемещено."),
    "reasons.done.retired": ("Retired.", "Снято."),
    "reasons.done.back": ("Brought back.", "Возвращено."),
    # the handover of a shift
    "handover.title": ("Shift handover", "Передача смены"),
    "handover.from": ("From {name}", "От {name}"),
    "handover.none": ("No note waits to be accepted.", "Ни одна записка не ждёт."),
    "handover.accept": ("Accept", "Принять"),
    "handover.take_back": ("Take my own note back", "Забрать свою записку"),
    "handover.stands": ("What waits now", "Что сейчас ждёт"),
    "handover.give": ("Hand over", "Передать"),
    "handover.note": ("Note to the next analyst", "Записка следующему аналитику"),
    "handover.note.rule": (
        "What is open, what to watch, whom to ask. It cannot be changed afterwards.",
        "Что открыто, за чем следить, кого спросить. Потом её не изменить.",
    ),
    "handover.before": ("Handovers before", "Прежние передачи"),
    "handover.problem": ("Write a note first.", "Сначала напишите записку."),
    "handover.done.given": (
        "Handed over; the next analyst sees it in the queue.",
        "Передано; следующий аналитик увидит это в очереди.",
    ),
    "handover.done.accepted": ("Accepted.", "Принято."),
    # precision and agreement
    "precision.title": ("Rules' precision", "Точность правил"),
    "precision.what": (
        "Of the flags that were decided as relevant or not, the share that was relevant, and where it lies with 95 % confidence. A version counts once, its copies do not.",
        "Доля верных среди отметок, решённых как «по теме» или «не по теме», и её границы с доверием 95 %. Версия считается один раз, копии не считаются.",
    ),
    "precision.none": ("Nothing was decided yet.", "Пока ничего не решено."),
    "precision.rules": ("Rules", "Правила"),
    "precision.last": ("last used", "последний раз"),
    "precision.topic": ("Topic", "Тема"),
    "precision.term": ("Term", "Слово"),
    "precision.decided": ("Decided", "Решено"),
    "precision.relevant": ("Relevant", "По теме"),
    "precision.not_relevant": ("Not relevant", "Не по теме"),
    "precision.share": ("Precision", "Точность"),
    "precision.interval": ("95 % interval", "Интервал 95 %"),
    "precision.whole": ("whole topic", "вся тема"),
    "precision.capped": ("Only the first {n} rows are shown.", "Показаны только первые {n} строк."),
    "agreement.title": ("Agreement of second looks", "Согласие вторых взглядов"),
    "agreement.what": (
        "A second look is given without seeing the first opinion. Cohen's kappa is 1 where both always agree, and 0 where they agree as often as by chance.",
        "Второй взгляд даётся вслепую. Каппа Коэна равна 1, если мнения всегда совпадают, и 0, если совпадают не чаще, чем случайно.",
    ),
    "agreement.kappa": ("Cohen's kappa", "Каппа Коэна"),
    "agreement.pairs": ("Second looks with a first opinion", "Вторых взглядов с первым мнением"),
    "agreement.agreed": ("The same", "Совпало"),
    "agreement.disagreed": ("Disagreements", "Расхождения"),
    "agreement.none": ("There is none.", "Расхождений нет."),
    "agreement.more": ("and {n} earlier ones", "и более ранних: {n}"),
    "agreement.first": ("First opinion", "Первое мнение"),
    "agreement.second": ("Second look", "Второй взгляд"),
    # what went wrong
    "unsubscribe.title": ("Get the digest no more", "Больше не получать сводку"),
    "unsubscribe.ask": (
        "{address} gets the daily digest. One press, and it comes no more.",
        "{address} получает ежедневную сводку. Одно нажатие, и она больше не придёт.",
    ),
    "unsubscribe.do": ("Unsubscribe", "Отписаться"),
    "unsubscribe.done": (
        "{address} gets the digest no more. If that was a mistake, answer one of its mails.",
        "{address} больше не получит сводку. Если это ошибка, ответьте на одно из её писем.",
    ),
    "error.title": ("This did not work", "Не получилось"),
    "error.not_found": ("There is no such page.", "Такой страницы нет."),
    "error.forbidden": (
        "Your role does not allow this. It takes at least: {role}.",
        "Ваша роль этого не позволяет. Нужна как минимум: {role}.",
    ),
    "error.origin": (
        "This request came from another site, or hides where it is from; nothing was done. Open the page here and send it again.",
        "Запрос пришёл с другого сайта или скрывает, откуда он; ничего не сделано. Откройте страницу здесь и отправьте ещё раз.",
    ),
    "error.bad_request": ("The request cannot be read.", "Запрос не удалось прочесть."),
    "error.method": ("This cannot be done with this page.", "С этой страницей так нельзя."),
    "error.too_large": ("That is too much to take in at once.", "Это слишком много за один раз."),
    "error.signed_out": ("You are not signed in any more.", "Вы больше не вошли."),
    "error.database": (
        "The database cannot be reached. Nothing that was decided is lost; try again in a minute.",
        "База данных недоступна. Решения не потеряны; попробуйте через минуту.",
    ),
    "error.own": (
        "A mistake of ours met this page; it is in the log. Try again, or go another way.",
        "На этой странице сработала наша ошибка, она записана в журнал. Попробуйте ещё раз или иначе.",
    ),
    # spans of time, in short
    "span.now": ("now", "сейчас"),
    "span.minutes": ("{n} min", "{n} мин"),
    "span.hours": ("{n} h", "{n} ч"),
    "span.days": ("{n} d", "{n} дн"),
}

COUNTED: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "case": (("case", "cases"), ("случай", "случая", "случаев")),
    "post": (("post", "posts"), ("запись", "записи", "записей")),
    "copy": (("copy", "copies"), ("копия", "копии", "копий")),
    "version": (("version", "versions"), ("версия", "версии", "версий")),
    "figure": (("figure", "figures"), ("число", "числа", "чисел")),
    "channel": (("channel", "channels"), ("канал", "канала", "каналов")),
    "minute": (("minute", "minutes"), ("минута", "минуты", "минут")),
    "claim": (("claim", "claims"), ("утверждение", "утверждения", "утверждений")),
    "decision": (("decision", "decisions"), ("решение", "решения", "решений")),
}

MONTHS: dict[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    Language.RUSSIAN: ("янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"),
}


@dataclass(frozen=True, slots=True)
class Texts:
    """The words in one language: `t("login.title")`, `t("login.wait", at="12:30")`, `t.count("case", 5)`."""

    language: Language

    @property
    def _place(self) -> int:
        return 0 if self.language is Language.ENGLISH else 1

    def __call__(self, name: str, /, **values: object) -> str:
        """One text, with its values put in. Raises KeyError where there is none of that name."""
        found = TEXTS[name][self._place]
        return found.format(**values) if values else found

    def named(self, group: str, name: str) -> str:
        """The word for one of a group that rules may add to, as `kind`; the bare name where there is none."""
        return TEXTS.get(f"{group}.{name}", (name, name))[self._place]

    def count(self, noun: str, number: int) -> str:
        """A number and its noun in the form it asks for: `1 case`, `22 случая`."""
        english, russian = COUNTED[noun]
        form = english[number != 1] if self.language is Language.ENGLISH else russian[_russian(number)]
        return f"{self.number(number)}\N{NO-BREAK SPACE}{form}"

    def number(self, number: float) -> str:
        """A number with its thousands apart, and no more than two decimals."""
        written = f"{number:,.2f}".rstrip("0").rstrip(".")
        if self.language is Language.ENGLISH:
            return written
        return written.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")


def _russian(number: int) -> int:
    """Which of the three forms: 1, 21 … one; 2 to 4, 22 to 24 … few; all others many."""
    tens, ones = abs(number) % 100, abs(number) % 10
    if ones == 1 and tens != 11:  # noqa: PLR2004
        return 0
    return 1 if 2 <= ones <= 4 and not 12 <= tens <= 14 else 2  # noqa: PLR2004


def preferred(accepted: str) -> Language:
    """The language to greet with, from an Accept-Language header; English where it names none of ours."""
    wishes = [entry.partition(";") for entry in accepted.lower().split(",")]
    known = {language.value: language for language in Language}
    found = [
        (_weight(weight), known[code])
        for tag, _, weight in wishes
        if (code := tag.strip().split("-")[0]) in known
    ]
    weight, language = max(found, key=lambda one: one[0], default=(0.0, Language.ENGLISH))
    return language if weight > 0 else Language.ENGLISH


def _weight(written: str) -> float:
    """The weight of a wish, 1 where it has none."""
    try:
        return float(written.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
