//! Words by what they do in an instruction, in English, Spanish, German, French, Italian, Portuguese, Japanese and Chinese.
//! Chinese, Japanese and Korean are read by pairs of characters.

/// What a word does. One word has one class: the most telling one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Articles, prepositions and the like: they show that a passage is prose. A word that is not in the list has class 0.
    Function = 1,
    Override,
    Prior,
    Rules,
    Machine,
    Authority,
    You,
    Me,
    Must,
    Please,
    Send,
    Read,
    Reveal,
    Destroy,
    Grant,
    Trade,
    Execute,
    Change,
    Say,
    Follow,
    Secret,
    Account,
    User,
    Tool,
    Urgent,
    Sequence,
    Instead,
    Task,
    New,
    Secrecy,
    Pretend,
    Limits,
    Question,
    Not,
    Response,
    Decode,
    Reading,
    Compose,
    All,
    Following,
    Person,
    Code,
    Thanks,
    Place,
    Everyday,
    // Not words of the list: kinds of tokens.
    Number,
    Money,
    Email,
    Url,
    Identifier,
    Path,
    RoleMark,
    Tag,
    Exclamation,
    Colon,
    Quoted,
}

use Class::*;

const WORDS: &[(Class, &str)] = &[
    (
        Function,
        "the a an of in on at for with from by as is are was were be been has have had this that these those it its and or but if \
        which there their they he she his her we our us who into about than also such between during over under while per via through \
        el la los las un una de del en con por para que es son fue y o pero se lo al como más esta este estos \
        le les des du au aux dans pour sur avec est sont était et ou mais ce cette ces qui ne pas une \
        der die das den dem des ein eine einen einem und oder aber ist sind war im am zu mit von für auf bei aus nach nicht als auch wird \
        il lo gli i di che è sono per con nel della del o os as um uma do da no na em com não são",
    ),
    (
        Override,
        "ignore ignores ignoring disregard disregarding forget override overrides overriding overridden bypass bypassing skip neglect overlook discard \
        dismiss supersede supersedes superseded supersedes circumvent abandon drop unlearn void nullify cancel suspend \
        ignora ignore ignorar ignoren ignorad olvida olvide olviden olvidar descarta omite desatiende anula \
        ignorez ignorer oubliez oublie oublier négligez désobéis outrepasse contourne contournez faites \
        ignoriere ignorieren ignoriert vergiss vergessen missachte missachten überschreibe umgehe umgehen verwirf \
        ignorate dimentica dimenticare dimentichi trascura esqueça esqueca ignorem desconsidere \
        忽略 无视 無視 忘记 忘掉 忘れ 忽視 不顾 绕过 跳过 抛开 取り消 覆盖 上書 破棄 무시 잊어",
    ),
    (
        Prior,
        "previous previously prior above earlier preceding foregoing former original initial initially past existing current aforementioned hitherto before \
        anteriores anterior previas previos previa previo \
        précédentes précédents précédente précédent antérieures antérieure ci-dessus préalables initiales \
        vorherigen vorherige vorheriger bisherigen bisherige vorangegangenen obigen früheren vorigen zuvor \
        precedenti precedente prévias previas anteriori \
        之前 以前 先前 上述 前面 以上 これま 今まで 此前 原来 이전 앞의 上記 前の",
    ),
    (
        Rules,
        "instruction instructions prompt prompts rule rules guideline guidelines directive directives command commands order orders policy policies \
        constraint constraints programming training protocol protocols \
        instrucción instrucciones instruccion regla reglas directrices indicaciones órdenes normas \
        instructions consigne consignes règles regles directives ordres \
        anweisung anweisungen regel regeln vorgaben richtlinien befehle befehl instruktionen anleitung hinweise \
        istruzioni regole direttive instruções instrucoes regras diretrizes \
        指示 指令 规则 規則 命令 ルール 提示 プロン 准则 方针 指引 설명 지시 명령 규칙",
    ),
    (
        Machine,
        "ai ais assistant assistants agent agents llm llms model models gpt chatgpt claude gemini bot bots chatbot copilot gpt4 gpt-4 llama mistral \
        grok deepseek qwen anthropic openai machine robot crawler scraper summarizer assistente asistente ia ki kis modelo modelos modèle modèles modell modelle assistent assistenten sprachmodell \
        agente agentes agenti modello bots 助手 模型 智能 人工 机器 アシス エージ モデル チャッ ボット 대형 모델 어시 生成",
    ),
    (
        Authority,
        "system sys developer developers dev admin admins administrator administrators operator operators root superuser sudo owner supervisor security compliance official \
        authorized authorised authority sistema administrador desarrollador système administrateur développeur administratoren entwickler betreiber systemhinweis systemnachricht \
        sviluppatore amministratore 系统 系統 システ 管理 开发 開発 運営 官方 시스 관리",
    ),
    (
        You,
        "you your yours yourself u ur ye thou tú tu tus te ti usted ustedes su sus vous votre vos toi ton ta tes du dein deine deinen deiner dir dich sie ihre ihren ihnen ihr \
        você voce seu sua lei suo 你的 你必 你要 你应 你现 您的 请你 你是 你可 你将 你会 你需 あなた なたは なたの お前 君は 당신",
    ),
    (
        Me,
        "my me mine i mi mis mon ma mes moi mein meine meinen meinem meiner mir mich ich je meu minha mio mia 我的 给我 私の 私に 僕の 我会 我要 내게 나에",
    ),
    (
        Must,
        "must should shall need needs required require requires mandatory obligatory ensure obliged necessary essential have-to ought make-sure always remember \
        debe debes deben deberás necesita obligatorio siempre doit devez dois devra obligatoire toujours veillez nécessaire muss musst müssen soll sollst sollen immer unbedingt verpflichtet \
        devi deve sempre 必须 必須 务必 應該 应该 一定 必ず べき 需要 要求 반드시 確保 确保",
    ),
    (
        Please,
        "please pls plz kindly favor bitte svp veuillez merci per-favore prego 请将 请把 请立 请先 请在 请使 请务 请用 請將 くださ ださい 下さい お願い 願いし 하세 십시 주세",
    ),
    (
        Send,
        "send sends sending sent email emails e-mail forward forwards forwarding transfer transfers transmit post posts upload uploads submit share shares exfiltrate leak publish deliver dispatch \
        wire mail sms text dm notify message ping relay broadcast \
        envía envia envíe envie enviar envíame reenvía reenvíe manda mande mandar publica sube comparte transfiere transfiera \
        envoyez envoie envoyer transférez transmets transmettez transmettre publiez partagez téléchargez expédiez \
        sende senden schicke schicken leite weiterleiten weiterleite übermittle übermitteln teile teilen überweise überweisen veröffentliche poste hochladen maile \
        invia inviare inoltra trasferisci envie enviar encaminhe \
        发送 傳送 发给 發送 转发 轉發 转账 上传 送信 転送 送っ 送付 送る 寄せ 发到 发布 提交 共享 보내 전송 송금 振り込 メール",
    ),
    (
        Read,
        "retrieve get fetch read list find collect extract obtain gather access look search check view lookup query scan enumerate locate copy download pull grab open \
        obtén obten obtenga busca busque lee lea recopila accede consulta lista descarga récupérez récupère lisez lis cherchez cherche trouve trouvez accédez consultez listez téléchargez \
        hole holen lies lese suche suchen finde finden sammle sammeln rufe abrufen öffne öffnen liste lade leggi cerca trova recupera leia busque \
        获取 读取 查找 搜索 收集 查看 打开 取得 検索 読み 収集 開い 開き 確認 列出 下载 가져 찾아 읽어",
    ),
    (
        Reveal,
        "reveal reveals revealing disclose divulge expose dump print output outputs display show repeat leak spill uncover regurgitate recite echo \
        revela revele revelar muestra muestre imprime divulga repite révélez révèle révéler affiche affichez montrez dévoile imprimez répète verrate verraten zeige zeigen offenbare enthülle gib ausgeben drucke wiederhole \
        mostra rivela stampa revele mostre 显示 透露 泄露 输出 打印 公开 表示 出力 暴露 漏ら 教え 開示 告诉 보여 출력 공개",
    ),
    (
        Destroy,
        "delete deletes deleting remove removes erase wipe purge destroy disable disables deactivate uninstall revoke terminate kill shutdown reset truncate format overwrite unsubscribe block close rm \
        elimina elimine eliminar borra borre borrar desactiva supprimez supprime supprimer effacez efface désactivez désactive désinstaller lösche löschen entferne entfernen deaktiviere deaktivieren vernichte \
        cancella disattiva rimuovi apague exclua delete 删除 清空 禁用 卸载 关闭 削除 消去 無効 停止 销毁 삭제 제거",
    ),
    (
        Grant,
        "grant grants approve approves authorize authorise allow enable enables give gives invite elevate permit unlock unlocks whitelist promote accept assign add adds trust disarm \
        concede otorga autoriza permite aprueba habilita accorde accordez autorisez approuvez donne donnez invitez gewähre genehmige erlaube erteile gib freigeben aktiviere füge \
        concedi approva autorizza aprove 授权 批准 授予 允许 启用 许可 許可 承認 付与 有効 追加 添加 邀请 허용 승인",
    ),
    (
        Trade,
        "buy buys sell sells purchase pay pays payment payments donate reserve book subscribe invest withdraw deposit refund trade bitcoin crypto wallet money funds fund gift \
        compra compre paga pague vende transferencia payez paie acheter achetez vendez achète kaufe kaufen verkaufe bezahle zahle zahlung zahlen betrag acquista paga compre \
        购买 支付 付款 出售 汇款 预订 购入 購入 支払 振込 売却 予約 入金 送金 구매 결제",
    ),
    (
        Execute,
        "execute executes run runs running call calls invoke use uses using perform do does click visit browse navigate go install launch start trigger initiate activate proceed complete carry issue \
        ejecuta ejecute ejecutar llama llame usa use utiliza utilice haz haga realiza visita visite instala abre exécutez exécute exécuter appelez appelle utilise utilisez faites fais effectuez visitez cliquez installez lancez \
        führe ausführen starte rufe benutze verwende nutze mache klicke besuche installiere erledige esegui chiama usa visita execute chame \
        执行 運行 运行 调用 使用 访问 点击 安装 実行 呼び 使っ 訪問 クリッ インス アクセ 进行 実施 실행 호출 사용 방문",
    ),
    (
        Change,
        "change changes update modify set sets edit replace rename create creates schedule write writes make makes adjust alter switch configure register save store move increase convert turn \
        cambia cambie actualiza modifica crea cree escribe changez modifiez modifie créez crée écrivez remplace ändere ändern aktualisiere erstelle erstellen setze schreibe ersetze speichere \
        cambia modifica crea altere 更改 修改 创建 更新 設定 设置 変更 作成 保存 书写 写入 改为 변경 생성",
    ),
    (
        Say,
        "say says respond reply answer include includes append prepend mention insert begin end conclude state recommend recommends tell inform summarize summarise translate claim assert suggest advise output attach link promote incorporate integrate embed augment enhance \
        di diga responde responda incluye incluya añade añada agrega menciona recomienda dis dites répondez réponds incluez inclus ajoutez ajoute mentionnez recommandez sage sagen antworte antworten beantworte erwähne füge hinzu empfiehl empfehle nenne \
        rispondi includi aggiungi responda inclua 回答 回复 回覆 说出 告知 推荐 推薦 提到 包含 附上 返信 答え 含め 述べ 追記 言っ 付け 建议 대답 답변",
    ),
    (
        Follow,
        "follow follows following obey obeys comply complies adhere heed respect conform abide act strictly sigue siga obedece cumple suivez suis obéis obéissez respectez befolge befolgen folge folgen gehorche halte einhalten segui obbedisci siga \
        遵循 遵守 服从 按照 听从 従っ 従い 従う 遵从 照办 따르 준수",
    ),
    (
        Secret,
        "password passwords passcode credential credentials secret secrets key keys token tokens apikey pin otp ssh env confidential private sensitive personal hidden cookies 2fa \
        contraseña contraseñas clave claves credenciales secreto secretos confidencial mot passe secrets identifiants clé clés confidentielles passwort passwörter kennwort zugangsdaten schlüssel geheim geheime vertrauliche geheimnis \
        credenziali chiave segreto senha senhas 密码 密碼 密钥 凭证 秘密 机密 パスワ 鍵を 機密 認証 キーを 口令 令牌 비밀 암호",
    ),
    (
        Account,
        "account accounts bank card iban balance transaction transactions savings history records record data database file files document documents contacts contact list inbox calendar drive repository repo address addresses health device location photos logs statement statements \
        cuenta cuentas datos archivo archivos correos base compte comptes données fichier fichiers courriels carnet konto konten daten datei dateien dokumente kontakte datenbank unterlagen \
        dati file dados conta 账户 帐户 账号 数据 文件 数据库 口座 データ ファイ 邮件 联系 顧客 情報 信息 资料 계좌 데이",
    ),
    (
        User,
        "user users customer customers client human humans people reader readers employee employees member members visitor visitors usuario usuarios cliente utilisateur utilisateurs client benutzer nutzer kunde kunden anwender utente \
        用户 用戶 客户 ユーザ 利用者 お客 读者 사용",
    ),
    (
        Tool,
        "tool tools function functions api plugin plugins shell terminal script endpoint webhook connector skill browser interpreter herramienta herramientas función outil outils fonction werkzeug werkzeuge funktion funktionen strumento ferramenta \
        工具 函数 ツール 関数 接口 插件 도구 함수",
    ),
    (
        Urgent,
        "important urgent urgently attention critical immediately warning note notice alert now asap emergency priority caution reminder n.b. \
        importante urgente atención inmediatamente aviso nota ahora important urgent attention immédiatement avertissement remarque maintenant wichtig wichtige dringend achtung sofort hinweis warnung jetzt umgehend \
        subito attenzione avviso agora 重要 紧急 注意 立即 马上 警告 緊急 至急 直ち 今すぐ 通知 现在 現在 긴급 중요 즉시",
    ),
    (
        Sequence,
        "first firstly then after afterwards once next finally when whenever upon until subsequently lastly furthermore additionally primero luego después cuando antes d'abord ensuite puis après lorsque avant zuerst dann danach wenn sobald bevor anschließend prima poi dopo quando \
        首先 然后 之后 接着 まず 次に その後 その前 最後 当你 먼저 다음",
    ),
    (
        Instead,
        "instead only just rather verbatim exactly solely exclusively precisely word simply directly exact lugar solo únicamente exactamente literalmente plutôt seulement uniquement exactement stattdessen nur genau ausschließlich wörtlich wortwörtlich invece solo apenas \
        而是 只需 直接 仅仅 代わり のみ だけ 逐字 原文 そのま 대신 오직",
    ),
    (
        Task,
        "task tasks request requests query goal objective mission job purpose work question conversation session context tarea tareas solicitud petición objetivo conversación contexto tâche demande requête objectif mission contexte aufgabe aufgaben anfrage auftrag ziel aufträge kontext compito richiesta tarefa \
        任务 請求 请求 目标 タスク 依頼 要求 对话 会话 会話 目的 작업 요청",
    ),
    (
        New,
        "new newly updated real actual true latest revised nueva nuevas nuevo nuevos real verdadera nouvelle nouvelles nouveau véritable réelle neue neuen neuer neues eigentliche eigentlichen wahre nuove nuovo novas 新的 新し 真正 真の 新规 新規 새로 最新 本当",
    ),
    (
        Secrecy,
        "silently secretly quietly covertly discreetly without unnoticed confirmation approval permission asking consent sin silencio secretamente discretamente confirmación sans discrètement secrètement confirmation ohne heimlich stillschweigend unbemerkt bestätigung nachfrage senza segretamente sem \
        悄悄 暗中 无需 不要告 秘か 密かに こっそ 確認な 内緒 몰래",
    ),
    (
        Pretend,
        "pretend roleplay role-play simulate imagine persona dan jailbreak jailbroken unrestricted uncensored unfiltered mode god evil hypothetical fictional character finge simula imagina personaje modo prétends imagine mode simule rôle tue vor stell stelle modus rolle spiele finge modalità \
        假装 扮演 模拟 越狱 角色 模式 ふりを モード 役割 演じ 仮定 脱獄 설정 모드",
    ),
    (
        Limits,
        "restriction restrictions filter filters limit limits limitation limitations safety safeguards safeguard ethics ethical moral censorship content boundaries unlimited restricciones restricción filtros límites limitaciones seguridad ética filtre filtres limites éthique sécurité einschränkungen einschränkung beschränkungen filter grenzen sicherheitsregeln uneingeschränkt restrizioni filtri limiti restrições \
        限制 约束 过滤 安全 道德 制限 制約 フィル 倫理 審査 审查 제한",
    ),
    (
        Question,
        "what how why which where who whom whose can could would will may might qué cómo cuál dónde quién puedes podría quel quelle comment pourquoi où peux pouvez was wie warum welche wo wer kannst können könnten come quale dove \
        什么 怎么 如何 为什 哪里 是谁 能否 何が 何を どう なぜ どの ですか でしょ 무엇 어떻",
    ),
    (
        Not,
        "not don't do-not never no cannot can't won't doesn't none neither nothing longer nunca jamás tampoco ne jamais n'est aucune nicht nie niemals kein keine keinen mai nunca \
        不要 不得 不能 没有 禁止 ないで しない ません ない。 不是 别告 하지 않고",
    ),
    (
        Response,
        "response responses reply replies answer answers output outputs summary summaries report reports results respuesta respuestas resumen réponse réponses résumé antwort antworten ausgabe zusammenfassung bericht risposta resposta \
        回应 响应 摘要 总结 応答 回答 要約 返答 报告 응답 요약",
    ),
    (
        Decode,
        "decode decodes decoded base64 rot13 hex hexadecimal decrypt decipher encoded unscramble reverse backwards binary cipher caesar morse base32 decodifica décode décodez dekodiere entschlüssele decodifica 解码 解碼 编码 デコー 復号 デコード 解密 디코",
    ),
    (
        Reading,
        "reading processing summarizing summarising reviewing parsing analyzing analysing process review parse see encounter receive viewing handling evaluating leyendo procesas lees lisant lisez traitez liest lesen verarbeitest bearbeitest leggendo 阅读 处理 読んで 処理 読む 讀取 読ん 읽고",
    ),
    (
        Compose,
        "poem story essay letter speech joke song explain describe draft compose provide discuss develop outline translate define calculate solve recipe capital poema historia explica describe escribe poème histoire expliquez décris gedicht geschichte erkläre beschreibe \
        诗歌 故事 解释 描述 翻译 作文 説明 物語 翻訳 설명",
    ),
    (
        All,
        "all any every everything everyone entire whole full complete both each todas todos todo toda cualquier toutes tous tout toute alle alles allen sämtliche jede jeden ganze tutte tutti todas \
        所有 全部 一切 任何 すべて 全て 完整 모든 全部",
    ),
    (
        Following,
        "below subsequent here following: hereafter underneath siguiente siguientes abajo suivante suivantes suivant ci-dessous folgende folgenden folgendes unten seguente seguinti seguinte 以下 下面 下列 次の 下記 如下 다음",
    ),
    (
        Person,
        "hi hello dear hey mr mrs ms dr team regards cheers sincerely best folks guys colleague meeting lunch dinner birthday weekend friday monday tuesday wednesday thursday saturday sunday tomorrow today yesterday week month \
        hola estimado estimada saludos bonjour cher chère cordialement salut hallo liebe lieber grüße sehr geehrte ciao gentile caro saluti \
        你好 您好 此致 こんに お疲れ 様です よろし 世話に 안녕",
    ),
    (
        Code,
        "def return import class function const let var int str null none true false self print async await public static void struct fn impl use mod npm pip cargo git docker install sudo brew apt build version package library module config parameter parameters argument arguments default string boolean integer array object type value method snippet block codebase implementation algorithm excerpt",
    ),
    (
        Thanks,
        "thank thanks thx appreciate gracias merci danke dank grazie obrigado 谢谢 感谢 ありが 謝謝 감사",
    ),
    (
        Place,
        "website site page link url http https web online server internet external remote address page sitio página enlace página lien seite webseite link sito 网站 链接 网址 サイト リンク ページ",
    ),
    (
        Everyday,
        "time day year years people good great nice product price hotel room food restaurant city country game season team movie book music school company market water service quality review reviews recommend love like best small large old young long high low work works",
    ),
];

const SLOTS: usize = 8192;

/// A hash and a class in each slot; 0 where there is nothing.
static TABLE: [u32; SLOTS] = table();

/// A word's hash: of its bytes in lower case.
pub(super) const SEED: u32 = 0x811C_9DC5;

/// The hash goes on over one byte.
pub(super) const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// The letter of ASCII for one of Latin-1, by its second byte in UTF-8: many write without the marks.
pub(super) const fn plain(second: u8) -> u8 {
    match second | 0x20 {
        0xA0..=0xA6 => b'a',
        0xA7 => b'c',
        0xA8..=0xAB => b'e',
        0xAC..=0xAF => b'i',
        0xB1 => b'n',
        0xB2..=0xB6 | 0xB8 => b'o',
        0xB9..=0xBC => b'u',
        0xBD => b'y',
        _ => b's',
    }
}

/// The class of the word with this hash.
pub(super) fn class(hash: u32) -> u8 {
    let mut slot = slot(hash);
    loop {
        let entry = TABLE[slot % SLOTS];
        if entry == 0 {
            return 0;
        }
        if entry >> 8 == hash >> 8 {
            return (entry & 0xFF) as u8;
        }
        slot += 1;
    }
}

const fn slot(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> 19) as usize
}

const fn table() -> [u32; SLOTS] {
    let mut table = [0; SLOTS];
    let mut list = 0;
    while list < WORDS.len() {
        let (class, words) = WORDS[list];
        let bytes = words.as_bytes();
        let mut hash = SEED;
        let mut length = 0;
        let mut at = 0;
        while at <= bytes.len() {
            let ends = at == bytes.len() || bytes[at] == b' ';
            if ends && length > 0 {
                let mut slot = slot(hash);
                // The first list that has a word decides.
                while table[slot % SLOTS] != 0 && table[slot % SLOTS] >> 8 != hash >> 8 {
                    slot += 1;
                }
                if table[slot % SLOTS] == 0 {
                    table[slot % SLOTS] = hash & 0xFFFF_FF00 | class as u32;
                }
                hash = SEED;
                length = 0;
            } else if !ends {
                if bytes[at] == 0xC3 {
                    at += 1;
                    hash = step(hash, plain(bytes[at]));
                } else {
                    hash = step(hash, bytes[at]);
                }
                length += 1;
            }
            at += 1;
        }
        list += 1;
    }
    table
}
