//! Providers whose keys have no prefix of their own: only the name beside a random value tells them.

/// How much a name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Only keys of the provider stand beside it: `wandb 0a1b…`.
    Telling,
    /// A common word, or a name that stands beside hashes too: it needs a word such as "key".
    Common,
}

/// What the word, in small letters, names.
pub(crate) fn named(word: &[u8]) -> Option<Name> {
    if word.len() < 3 || word.len() > 22 {
        return None;
    }
    let find = |list: &[&str]| list.binary_search_by(|name| name.as_bytes().cmp(word)).is_ok();
    if find(TELLING) {
        Some(Name::Telling)
    } else if find(COMMON) {
        Some(Name::Common)
    } else {
        None
    }
}

/// Names beside which only keys stand. Sorted.
#[rustfmt::skip]
static TELLING: &[&str] = &[
    "abstractapi", "abuseipdb", "abuseipdbkey", "accuweather", "adafruit", "adfly", "adobeio", "aeroworkflow",
    "aiplanet", "airbrake", "airbyte", "airship", "airtable", "airvisual", "aiven", "alegra", "aletheiaapi",
    "algolia", "algoliaadmin", "alienvault", "allsports", "alphavantage", "ambee", "amplitude", "anthropic",
    "anypoint", "apacta", "apideck", "apifonica", "apify", "apilayer", "apimatic", "apimetrics",
    "apitemplate", "appcues", "appdynamics", "appfollow", "appointedd", "appoptics", "appsynergy", "apptivo",
    "artifactory", "artsy", "assemblyai", "atera", "atlassian", "audd", "autodesk", "autoklose",
    "aviationstack", "axonaut", "aylien", "ayrshare", "azuredevops", "bandwidthcom", "bannerbear",
    "baremetrics", "baseapiio", "beamer", "beebole", "besnappy", "besttime", "billomat", "binaryedge",
    "bitbar", "bitcoinaverage", "bitdefender", "bitfinex", "bitlyaccesstoken", "bitmex", "bitpanda",
    "bitstamp", "bittrex", "blablabus", "blazemeter", "blitapp", "blockfrost", "blynk", "bombbomb",
    "boostnote", "borgbase", "braintreepayments", "brandfetch", "brightdata", "browserstack", "browshot",
    "bscscan", "buddyns", "budibase", "bugherd", "bugsnag", "bugsnagapi", "buildkite", "bulbul", "bulksms",
    "buttercms", "bybit", "caflou", "calendarific", "calendly", "calorieninja", "campayn", "cannyio",
    "capsulecrm", "captaindata", "carboninterface", "cashboard", "caspio", "censys", "censysio",
    "centralstationcrm", "cexio", "chartmogul", "chatfuel", "checio", "checkvist", "circleci", "clarifai",
    "clearbit", "clicatell", "clickhelp", "clicksend", "clickup", "clickuppersonaltoken", "cliengo",
    "clientary", "clinchpad", "clockify", "clockworksms", "closecrm", "cloudconvert", "cloudelements",
    "cloudflareapitoken", "cloudflarecakey", "cloudflareglobalapikey", "cloudimage", "cloudinary",
    "cloudmersive", "cloudplan", "cloudsmith", "cloudways", "clustdoc", "cockroachdb", "codacy",
    "codeclimate", "codemagic", "codequiry", "cohere", "coinapi", "coinbase", "coingecko", "coinlayer",
    "coinlib", "coinmarketcap", "collect2", "commercejs", "companyhub", "confluent", "conversiontools",
    "convertapi", "convertkit", "convier", "countrylayer", "coveralls", "crowdstrike", "cryptocompare",
    "currencycloud", "currencyfreaks", "currencylayer", "currencyscoop", "currentsapi", "customerguru",
    "customerio", "d7network", "dareboost", "databox", "datadog", "datadoghq", "datagov", "deepai",
    "deepgram", "deepl", "dehashed", "delighted", "detectify", "detectlanguage", "dfuse", "diffbot",
    "diggernaut", "digitaloceantoken", "discogs", "disqus", "dnscheck", "docparser", "documo", "docusign",
    "doppler", "dotmailer", "dovico", "dronahq", "droneci", "duply", "dwolla", "dynalist", "dynatrace",
    "dyspatch", "eagleeyenetworks", "easyinsight", "easypost", "ecostruxureit", "edamam", "edenai",
    "eightxeight", "elasticcloud", "elasticemail", "elevenlabs", "enablex", "endorlabs", "equinix",
    "etherscan", "ethplorer", "etsyapikey", "eventbrite", "everhour", "exchangerate", "exchangerateapi",
    "exchangeratesapi", "exportsdk", "extractorapi", "facebookoauth", "faceplusplus", "fast2sms", "fastforex",
    "fastlypersonaltoken", "faunadb", "feedier", "fetchrss", "fibery", "fileio", "finage",
    "financialmodelingprep", "finicity", "finnhub", "firecrawl", "fivetran", "fixerio", "flatio", "fleetbase",
    "flexport", "flickr", "flightapi", "flightlabs", "flightstats", "flowdash", "flowdock", "flowflu",
    "flutterwave", "flyio", "fmfw", "fofa", "formbucket", "formcraft", "formio", "formsite", "foursquare",
    "frameio", "freshbooks", "freshdesk", "freshworks", "fulcrum", "fullstory", "fxmarket", "gcplogging",
    "gengo", "geoapify", "geocodify", "geocodio", "geoipifi", "getgeoapi", "getgist", "getresponse",
    "getsandbox", "ghostcontentapi", "giphy", "gitter", "glassnode", "glitterly", "gocanvas", "gocardless",
    "goodday", "grafana", "graphcms", "graphhopper", "greynoise", "groovehq", "groq", "gtmetrix",
    "guardianapi", "gumroad", "gyazo", "handwrytten", "happyscribe", "haveibeenpwned", "heapio", "heatmapapi",
    "hellosign", "helpcrunch", "helpscout", "hereapi", "heroku", "hetzner", "hightouch", "hiveage", "hiver",
    "holidayapi", "honeybadger", "honeycomb", "hostinger", "hubspotapikey", "huggingface", "hunterio",
    "huobi", "hybiscus", "hybridanalysis", "hypertrack", "hypotest", "ibmcloud", "iconfinder", "iexapis",
    "iexcloud", "imagekit", "imagga", "imgbb", "imgix", "imgur", "influxdata", "influxdb", "infobip",
    "infracost", "infura", "insightly", "instamojo", "instana", "intelx", "intercom", "intra42", "intrinio",
    "invoiceocean", "ipapi", "ipbase", "ipdata", "ipgeolocation", "ipify", "ipinfo", "ipinfodb", "ipquality",
    "ipregistry", "ipstack", "jiratoken", "jotform", "jumpcloud", "jumpseller", "kairosdb", "kanbantool",
    "karmacrm", "keenio", "kickbox", "klaviyo", "klipfolio", "knapsackpro", "kontent", "koyeb", "kucoin",
    "kylas", "langchain", "langfuse", "langsmith", "languagelayer", "lastfm", "launchdarkly", "leadfeeder",
    "leakix", "lemlist", "lemonsqueezy", "lendflow", "lessannoyingcrm", "lexigram", "lightstep", "linearapi",
    "linemessaging", "linenotify", "linkpreview", "linode", "liveagent", "livestorm", "loadmill", "lob",
    "locationiq", "logdna", "loggly", "loginradius", "logzio", "lokalise", "lokalisetoken", "loyverse",
    "lunchmoney", "luno", "m3o", "macaddress", "madkudu", "magicbell", "mailboxlayer", "mailchimp",
    "mailerlite", "mailgun", "mailjet", "mailjetbasicauth", "mailjetsms", "mailmodo", "mailsac", "mailtrap",
    "malshare", "mandrill", "mapquest", "marketstack", "mattermost", "mavenlink", "maxmind", "meaningcloud",
    "mediastack", "meilisearch", "meistertask", "meraki", "mercadolibre", "mercadopago", "mesibo",
    "messagebird", "messari", "metaapi", "metabase", "metrilo", "mezmo", "microsoftteamswebhook",
    "mindmeister", "mistralai", "mixmax", "mixpanel", "mockaroo", "mojohelpdesk", "momentumdata",
    "mongodbatlas", "monkeylearn", "moonclerk", "moosend", "moralis", "mrticktock", "msg91", "myfreshworks",
    "myintervals", "nango", "nasdaqdatalink", "nethunt", "netlify", "netlifyapi", "netsuite", "neutrinoapi",
    "newrelic", "newrelicapi", "newrelicpersonalapikey", "newsapi", "newscatcher", "nexmo", "nexmoapikey",
    "nftport", "ninox", "northflank", "noticeable", "nowpayments", "nozbe", "npmtoken", "nugetapikey",
    "numverify", "nutritionix", "nylas", "nytimes", "oanda", "okta", "okx", "omdb", "omnisend", "onedesk",
    "onelogin", "onepagecrm", "onesignal", "onfleet", "onwaterio", "onyphe", "oopspam", "openai",
    "opencagedata", "opengraphr", "opensea", "openuv", "openweather", "openweathermap", "opsgenie",
    "optimizely", "outplay", "ovhcloud", "owlbot", "packagecloud", "pagarme", "pagerduty", "pagerdutyapikey",
    "pandadoc", "pandascore", "paperform", "papertrail", "paralleldots", "parsehub", "parseur",
    "partnerstack", "passbase", "passivetotal", "pastebin", "paydirtapp", "paymoapp", "paymongo",
    "paypaloauth", "paystack", "pdflayer", "pdfmonkey", "pdfshift", "peopledatalabs", "pepipost", "percy",
    "perplexity", "pexels", "phraseaccesstoken", "pinecone", "pipedream", "pipedrive", "pivotaltracker",
    "pixabay", "plaid", "plaidkey", "planetscale", "plivo", "plivoauth", "podio", "pollsapi", "poloniex",
    "polygonscan", "portainer", "positionstack", "postageapp", "postbacks", "posthog", "postman", "postmark",
    "postmarkapp", "powrbot", "privacycom", "privateai", "prodpad", "prospectcrm", "protocolsio",
    "proxycrawl", "pubnub", "pubnubpublishkey", "pubnubsubscriptionkey", "pulumi", "pushbullet", "pusher",
    "pusherchannelkey", "qase", "qdrant", "qualaroo", "qualys", "quandl", "qubole", "quickmetrics",
    "quicknode", "railway", "rapid7", "rapidapi", "rawg", "raygun", "razorpay", "reachmail", "readthedocs",
    "realtonomy", "recaptcha", "rechargepayments", "redislabs", "redmine", "renderapi", "rentman",
    "repairshopr", "replicate", "resend", "restpack", "restpackhtmltopdfapi", "revampcrm", "ringcentral",
    "riskiq", "ritekit", "roaring", "roaringfork", "rocketreach", "rollbar", "roninapp", "route4me", "rownd",
    "rubygems", "rudderstack", "runrunit", "runscope", "safetyculture", "salesblink", "salescookie",
    "salesflare", "salesmate", "satismeterprojectkey", "saucelabs", "scaleway", "scalewaykey", "scalr",
    "scrapeowl", "scraperapi", "scraperbox", "scraperseo", "scrapersite", "scrapestack", "scrapfly",
    "scrapingant", "scrapingbee", "screenshotlayer", "scrutinizerci", "securelist", "securitytrails",
    "segmentapikey", "segmentio", "selectpdf", "sendbird", "sendgrid", "sendinblue", "sendinbluev2",
    "sendlayer", "sendpulse", "sentinelone", "serpapi", "serphouse", "serpstack", "shecodes", "sherpadesk",
    "shipday", "shodan", "shodankey", "shopify", "shotstack", "shutterstock", "shutterstockapi", "signable",
    "signalfx", "signalwire", "signaturit", "signupgenius", "sigopt", "simfin", "simplesat", "simplynoted",
    "simvoly", "sinch", "sinchmessage", "sirv", "siteleaf", "skrapp", "skrappio", "skybiometry",
    "slackwebhook", "smartsheets", "smartystreets", "smooch", "snipcart", "snowflake", "snyk", "snykkey",
    "softr", "sonarcloud", "sourcegraph", "sparkpost", "sparkpostmail", "speechtext", "speechtextai",
    "spoonacular", "sportradar", "sportsmonk", "spotifykey", "spyse", "squareapp", "squarespace", "squareup",
    "sslmate", "stabilityai", "statuscake", "statuspage", "statuspal", "stitchdata", "stockdata", "storecove",
    "stormboard", "stormglass", "storyblok", "storychief", "strava", "stripo", "stytch", "sugester",
    "sumologic", "sumologickey", "supabase", "supernotes", "surveyanyplace", "surveybot", "surveysparrow",
    "survicate", "swiftype", "tallyfy", "tatumio", "tavily", "taxjar", "teamgate", "teamworkcrm",
    "teamworkdesk", "teamworkspaces", "technicalanalysisapi", "telesign", "telnyx", "tenable", "tenor",
    "terraformcloud", "testingbot", "textlocal", "textmagic", "theoddsapi", "thinkific", "thousandeyes",
    "ticketmaster", "tickettailor", "tiingo", "timecamp", "timescale", "timezoneapi", "tmdb", "tmetric",
    "todoist", "toggltrack", "tokeet", "tomorrowio", "tomtom", "tradier", "transferwise", "travelpayouts",
    "travisci", "trello", "trelloapikey", "twelvedata", "twilio", "twiliosendgrid", "twitch", "tyntec",
    "typeform", "typesense", "typetalk", "ubidots", "uclassify", "unifyid", "unplugg", "unsplash",
    "upcdatabase", "upcloud", "uplead", "uploadcare", "upstash", "uptimerobot", "upwave", "urlhaus",
    "urlscan", "userflow", "userstack", "vatlayer", "vbout", "vercel", "verimail", "veriphone", "versioneye",
    "viewneo", "virustotal", "visualcrossing", "voiceflow", "voicegain", "vonage", "voodoosms", "vouchery",
    "vpnapi", "vultr", "vultrapi", "vyte", "wakatime", "walkscore", "wandb", "wavefront", "wazuh",
    "weatherbit", "weatherstack", "weaviate", "webscraper", "webscraping", "websitepulse", "wepay", "whoxy",
    "wistia", "worksnaps", "workstack", "worldcoinindex", "worldweather", "wrike", "xero", "yelp",
    "youneedabudget", "yousign", "youtubeapikey", "zapierwebhook", "zendesk", "zendeskapi", "zenkitapi",
    "zenrows", "zenscrape", "zenserp", "zenvia", "zeplin", "zerobounce", "zerotier", "zilliz", "zipapi",
    "zipbooks", "zipcodeapi", "zipcodebase", "zohocrm", "zonka", "zonkafeedback", "zoomeye", "zulip",
    "zulipchat",
];

/// Common words, and names beside which hashes and ids stand too. Sorted.
#[rustfmt::skip]
static COMMON: &[&str] = &[
    "access", "adobe", "agora", "airbnb", "alchemy", "alibaba", "aliyun", "amadeus", "amazon", "apex",
    "apollo", "apple", "asana", "auth", "auth0", "autopilot", "aws", "azure", "bitbucket", "bitly", "blogger",
    "bot", "box", "braintree", "canva", "chatbot", "check", "checkout", "cicero", "circle", "civo",
    "cloudflare", "codecov", "column", "confluence", "contentful", "copper", "courier", "daily", "dandelion",
    "demio", "deputy", "discord", "ditto", "docker", "dockerhub", "drone", "dropbox", "duo", "ebay",
    "elastic", "enigma", "envoy", "eraser", "etsy", "facebook", "fastly", "fauna", "figma", "firebase",
    "fixer", "flat", "fleet", "float", "front", "gcp", "gemini", "geocode", "ghost", "git", "gitea", "github",
    "gitlab", "google", "harvest", "heap", "host", "hubspot", "hunter", "ibm", "impala", "instagram",
    "jenkins", "jfrog", "jira", "juro", "jwt", "kanban", "kraken", "kubernetes", "lark", "linear", "linkedin",
    "mailchimpapp", "mapbox", "maps", "meta", "microsoft", "miro", "monday", "mongodb", "mux", "nasa", "neon",
    "netflix", "nimble", "nitro", "notion", "npm", "nuget", "oauth", "oracle", "outlook", "packet", "parse",
    "paypal", "persona", "pinterest", "polygon", "prefect", "pypi", "quickbooks", "rancher", "raven",
    "readme", "reddit", "redis", "refiner", "riot", "salesforce", "segment", "semaphore", "sentry", "service",
    "shippo", "shopee", "shortcut", "skype", "slack", "snapchat", "sonar", "sonarqube", "sonatype", "splunk",
    "spotify", "square", "stackoverflow", "steam", "streak", "stripe", "sumo", "swell", "tableau",
    "tailscale", "tatum", "teams", "teamwork", "telegram", "telnyxapi", "terraform", "tiktok", "travis",
    "trustpilot", "tumblr", "twist", "twitter", "uber", "vault", "vimeo", "webex", "wechat", "weibo", "wix",
    "woocommerce", "wordpress", "yahoo", "yandex", "youtube", "zapier", "zoho", "zoom",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_found() {
        assert!(TELLING.is_sorted() && COMMON.is_sorted());
        assert_eq!(named(b"wandb"), Some(Name::Telling));
        assert_eq!(named(b"github"), Some(Name::Common));
        assert_eq!(named(b"password"), None);
    }
}
