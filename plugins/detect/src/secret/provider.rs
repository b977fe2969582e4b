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
    if word.len() < 3 || word.len() > 22 || !may_be_named(word) {
        return None;
    }
    let find = |list: &[&str]| {
        list.binary_search_by(|name| name.as_bytes().cmp(word))
            .is_ok()
    };
    if find(TELLING) {
        Some(Name::Telling)
    } else if find(COMMON) {
        Some(Name::Common)
    } else {
        None
    }
}

/// Whether a name begins with the same three letters. Nearly no word does.
fn may_be_named(word: &[u8]) -> bool {
    let bit = beginning(word);
    BEGINNINGS[bit / 64] >> (bit % 64) & 1 == 1
}

/// The place of the first three letters of a word in [`BEGINNINGS`].
const fn beginning(word: &[u8]) -> usize {
    (word[0] as usize & 31) << 10 | (word[1] as usize & 31) << 5 | (word[2] as usize & 31)
}

/// The first three letters of all names, one bit each.
static BEGINNINGS: [u64; 512] = {
    let lists = [TELLING, COMMON];
    let mut bits = [0; 512];
    let mut list = 0;
    while list < lists.len() {
        let mut name = 0;
        while name < lists[list].len() {
            let bit = beginning(lists[list][name].as_bytes());
            bits[bit / 64] |= 1 << (bit % 64);
            name += 1;
        }
        list += 1;
    }
    bits
};

/// Names beside which only keys stand. Sorted.
#[rustfmt::skip]
const TELLING: &[&str] = &[
    "abstractapi", "abuseipdb", "abuseipdbkey", "accuweather", "adafruit", "adfly", "adobeio", "adyen",
    "aeroworkflow", "aftership", "agoraio", "aiplanet", "airbrake", "airbyte", "airship", "airtable",
    "airvisual", "aiven", "akeyless", "alegra", "aletheiaapi", "algolia", "algoliaadmin", "alienvault",
    "allsports", "alphavantage", "ambee", "amplitude", "anthropic", "anypoint", "anyscale", "apacta",
    "apideck", "apifonica", "apify", "apilayer", "apimatic", "apimetrics", "apitemplate", "appcues",
    "appdynamics", "appfollow", "appointedd", "appoptics", "appsynergy", "apptivo", "artifactory", "artsy",
    "ashby", "assemblyai", "atera", "atlassian", "audd", "auth0api", "authorizenet", "autodesk", "autoklose",
    "aviationstack", "axonaut", "aylien", "ayrshare", "azuredevops", "bamboohr", "bandwidthcom", "bannerbear",
    "baremetrics", "baseapiio", "beamer", "beebole", "besnappy", "besttime", "bigcommerce", "billomat",
    "binaryedge", "bitbar", "bitcoinaverage", "bitdefender", "bitfinex", "bitlyaccesstoken", "bitmex",
    "bitpanda", "bitstamp", "bittrex", "bitwarden", "blablabus", "blazemeter", "blitapp", "blockfrost",
    "blynk", "bombbomb", "boostnote", "borgbase", "braintreepayments", "brandfetch", "brightdata",
    "browserstack", "browshot", "bscscan", "buddyns", "budibase", "bugherd", "bugsnag", "bugsnagapi",
    "buildkite", "bulbul", "bulksms", "bunnynet", "buttercms", "bybit", "caflou", "calendarific", "calendly",
    "calorieninja", "campayn", "cannyio", "capsulecrm", "captaindata", "carboninterface", "cashboard",
    "caspio", "censys", "censysio", "centralstationcrm", "cexio", "chargebee", "chartmogul", "chatfuel",
    "checio", "checkvist", "circleci", "clarifai", "clearbit", "clicatell", "clickhelp", "clicksend",
    "clickup", "clickuppersonaltoken", "cliengo", "clientary", "clinchpad", "clockify", "clockworksms",
    "closecrm", "cloudconvert", "cloudelements", "cloudflareapitoken", "cloudflarecakey",
    "cloudflareglobalapikey", "cloudimage", "cloudinary", "cloudmersive", "cloudns", "cloudplan",
    "cloudsmith", "cloudways", "clustdoc", "cockroachdb", "coda", "codacy", "codaio", "codeclimate",
    "codemagic", "codequiry", "cohere", "coinapi", "coinbase", "coingecko", "coinlayer", "coinlib",
    "coinmarketcap", "collect2", "commercejs", "companyhub", "configcat", "confluent", "conversiontools",
    "convertapi", "convertkit", "convier", "countrylayer", "courierapi", "coveralls", "crowdstrike",
    "cryptocompare", "currencycloud", "currencyfreaks", "currencylayer", "currencyscoop", "currentsapi",
    "customerguru", "customerio", "cyberark", "d7network", "dareboost", "dashlane", "databox", "datadog",
    "datadoghq", "datagov", "deepai", "deepgram", "deepl", "deepseek", "dehashed", "delighted", "descope",
    "detectify", "detectlanguage", "dfuse", "diffbot", "diggernaut", "digicert", "digitaloceantoken",
    "discogs", "disqus", "dnscheck", "dnsimple", "dnspod", "docparser", "documo", "docusign", "doppler",
    "doppleripo", "dotmailer", "dovico", "drata", "dronahq", "droneci", "duosecurity", "duply", "dwolla",
    "dwollaapi", "dynalist", "dynatrace", "dyspatch", "eagleeyenetworks", "easyinsight", "easypost",
    "easyship", "ecostruxureit", "ecwid", "edamam", "edenai", "edgecast", "eightxeight", "elasticcloud",
    "elasticemail", "elevenlabs", "enablex", "endorlabs", "enom", "equinix", "etherscan", "ethplorer",
    "etsyapikey", "eventbrite", "everhour", "exchangerate", "exchangerateapi", "exchangeratesapi",
    "exportsdk", "extractorapi", "facebookoauth", "faceplusplus", "fast2sms", "fastforex", "fastlyapi",
    "fastlypersonaltoken", "faunadb", "feedier", "fetchrss", "fibery", "fileio", "finage",
    "financialmodelingprep", "finicity", "finnhub", "firecrawl", "fireworksai", "fivetran", "fixerio",
    "flagsmith", "flatio", "fleetbase", "flexport", "flickr", "flightapi", "flightlabs", "flightstats",
    "flowdash", "flowdock", "flowflu", "flutterwave", "flyio", "fmfw", "fofa", "formbucket", "formcraft",
    "formio", "formsite", "foursquare", "frameio", "freshbooks", "freshdesk", "freshworks", "frontegg",
    "fulcrum", "fullstory", "fusionauth", "fxmarket", "gandi", "gcplogging", "gengo", "geoapify",
    "geoapifyapi", "geocodify", "geocodio", "geoipifi", "getgeoapi", "getgist", "getresponse", "getsandbox",
    "ghostcontentapi", "giphy", "gitter", "glassnode", "glitterly", "gocanvas", "gocardless", "gocardlessapi",
    "godaddy", "goodday", "grafana", "grafanacloud", "graphcms", "graphhopper", "graphhopperapi",
    "greenhouse", "greynoise", "groovehq", "groq", "gtmetrix", "guardianapi", "gumroad", "gusto", "gyazo",
    "handwrytten", "happyscribe", "haveibeenpwned", "heapio", "heatmapapi", "hellosign", "helpcrunch",
    "helpscout", "hereapi", "heroku", "hetzner", "hibob", "hightouch", "hiveage", "hiver", "holidayapi",
    "honeybadger", "honeycomb", "hostinger", "html2pdf", "hubspotapikey", "huggingface", "hunterio", "huobi",
    "hybiscus", "hybridanalysis", "hypertrack", "hypotest", "ibmcloud", "iconfinder", "iexapis", "iexcloud",
    "imagekit", "imagga", "imgbb", "imgix", "imgur", "imperva", "incapsula", "infisical", "influxdata",
    "influxdb", "infobip", "infracost", "infura", "insightly", "instamojo", "instana", "intelx", "intercom",
    "intra42", "intrinio", "invoiceocean", "ipapi", "ipbase", "ipdata", "ipgeolocation", "ipifi", "ipify",
    "ipinfo", "ipinfodb", "ipquality", "ipregistry", "ipstack", "jamf", "jina", "jiratoken", "jotform",
    "jumpcloud", "jumpseller", "jupiterone", "kairosdb", "kanbantool", "kandji", "karmacrm", "keenio",
    "keycdn", "keycloak", "kickbox", "klarna", "klaviyo", "klipfolio", "knapsackpro", "kontent", "koyeb",
    "kucoin", "kylas", "langchain", "langchainapi", "langfuse", "langsmith", "languagelayer", "lastfm",
    "lastpass", "launchdarkly", "leadfeeder", "leakix", "lemlist", "lemonsqueezy", "lendflow",
    "lessannoyingcrm", "letsencrypt", "lexigram", "lightstep", "limelight", "linearapi", "linemessaging",
    "linenotify", "linkpreview", "linode", "liveagent", "livekit", "livestorm", "loadmill", "lob", "lobapi",
    "locationiq", "locationiqapi", "logdna", "loggly", "loginradius", "logz", "logzio", "lokalise",
    "lokalisetoken", "loyverse", "lunchmoney", "luno", "m3o", "macaddress", "madkudu", "magicbell",
    "mailboxlayer", "mailchimp", "mailerlite", "mailgun", "mailjet", "mailjetbasicauth", "mailjetsms",
    "mailmodo", "mailsac", "mailtrap", "malshare", "mandrill", "mapillary", "mapquest", "marketstack",
    "mattermost", "mavenlink", "maxmind", "meaningcloud", "mediastack", "meilisearch", "meistertask",
    "meraki", "mercadolibre", "mercadopago", "mesibo", "messagebird", "messari", "metaapi", "metabase",
    "metrilo", "mezmo", "microsoftteamswebhook", "mindmeister", "mistral", "mistralai", "mixmax", "mixpanel",
    "mockaroo", "mojohelpdesk", "mollie", "momentumdata", "mongodbatlas", "monkeylearn", "moonclerk",
    "moosend", "moralis", "mrticktock", "msg91", "myfreshworks", "myintervals", "namecheap", "nango",
    "nasdaqdatalink", "nethunt", "netlify", "netlifyapi", "netsuite", "neutrinoapi", "newrelic",
    "newrelicapi", "newrelicpersonalapikey", "newsapi", "newscatcher", "nexmo", "nexmoapikey", "nftport",
    "ninox", "northflank", "noticeable", "novu", "nowpayments", "nozbe", "npmtoken", "ns1", "nugetapikey",
    "numverify", "nutritionix", "nylas", "nytimes", "oanda", "okta", "okx", "omdb", "omnisend", "onedesk",
    "onelogin", "onepagecrm", "onesignal", "onetrust", "onfleet", "onwaterio", "onyphe", "oopspam", "openai",
    "opencage", "opencagedata", "opengraphr", "openrouter", "openrouteservice", "opensea", "openuv",
    "openweather", "openweathermap", "opsgenie", "opsgenieapi", "optimizely", "optimizelyfx", "outplay",
    "ovhcloud", "owlbot", "packagecloud", "pagarme", "pagerduty", "pagerdutyapikey", "pandadoc", "pandascore",
    "paperform", "papertrail", "paralleldots", "parsehub", "parseur", "partnerstack", "passbase",
    "passivetotal", "pastebin", "paydirtapp", "paymoapp", "paymongo", "paypaloauth", "paystack", "pdflayer",
    "pdfmonkey", "pdfshift", "peopledatalabs", "pepipost", "percy", "perplexity", "personio", "pexels",
    "phraseaccesstoken", "pinecone", "pineconeio", "pingidentity", "pipedream", "pipedrive", "pivotaltracker",
    "pixabay", "plaid", "plaidkey", "planetscale", "plivo", "plivoauth", "podio", "pollsapi", "poloniex",
    "polygonscan", "porkbun", "portainer", "positionstack", "postageapp", "postbacks", "posthog", "postman",
    "postmark", "postmarkapp", "powrbot", "printful", "printify", "privacycom", "privateai", "prodpad",
    "prospectcrm", "protocolsio", "proxycrawl", "pubnub", "pubnubapi", "pubnubpublishkey",
    "pubnubsubscriptionkey", "pulumi", "pushbullet", "pusher", "pusherchannelkey", "qase", "qdrant",
    "qualaroo", "qualys", "quandl", "qubole", "quickmetrics", "quicknode", "railway", "rapid7", "rapidapi",
    "rawg", "raygun", "razorpay", "reachmail", "readthedocs", "realtonomy", "recaptcha", "rechargepayments",
    "recurly", "redislabs", "redmine", "renderapi", "rentman", "repairshopr", "replicate", "replicateapi",
    "resend", "restpack", "restpackhtmltopdfapi", "revampcrm", "revolut", "ringcentral", "rippling", "riskiq",
    "ritekit", "roaring", "roaringfork", "rocketreach", "rollbar", "roninapp", "route4me", "rownd",
    "rubygems", "rudderstack", "runpod", "runrunit", "runscope", "safetyculture", "salesblink", "salescookie",
    "salesflare", "salesmate", "satismeterprojectkey", "saucelabs", "scaleway", "scalewaykey", "scalr",
    "scrapeowl", "scraperapi", "scraperbox", "scraperseo", "scrapersite", "scrapestack", "scrapfly",
    "scrapingant", "scrapingbee", "screenshotlayer", "scrutinizerci", "sectigo", "securelist",
    "securitytrails", "sedo", "segmentapikey", "segmentio", "selectpdf", "sendbird", "sendgrid", "sendinblue",
    "sendinbluev2", "sendlayer", "sendpulse", "sentinelone", "sentryio", "serpapi", "serphouse", "serpstack",
    "shecodes", "sherpadesk", "shipday", "shipengine", "shippoapi", "shodan", "shodankey", "shopify",
    "shotstack", "shutterstock", "shutterstockapi", "signable", "signalfx", "signalwire", "signaturit",
    "signupgenius", "sigopt", "simfin", "simplesat", "simplynoted", "simvoly", "sinch", "sinchmessage",
    "sirv", "siteleaf", "skrapp", "skrappio", "skybiometry", "slackwebhook", "smartsheets", "smartystreet",
    "smartystreets", "smooch", "snipcart", "snipcartapi", "snowflake", "snyk", "snykio", "snykkey", "softr",
    "sonarcloud", "sourcegraph", "sparkpost", "sparkpostmail", "speechtext", "speechtextai", "splitio",
    "spoonacular", "sportradar", "sportsmonk", "spotifykey", "spyse", "squareapp", "squarespace", "squareup",
    "sslmate", "stabilityai", "stackpath", "statsig", "statuscake", "statuspage", "statuspal", "stitchdata",
    "stockdata", "storecove", "stormboard", "stormglass", "storyblok", "storychief", "strava", "stripo",
    "stytch", "stytchapi", "sugester", "sumologic", "sumologickey", "sumup", "supabase", "supernotes",
    "surveyanyplace", "surveybot", "surveysparrow", "survicate", "swiftype", "tallyfy", "tatumio", "tavily",
    "taxjar", "teamgate", "teamworkcrm", "teamworkdesk", "teamworkspaces", "technicalanalysisapi", "telesign",
    "telnyx", "tenable", "tenor", "terraformcloud", "testingbot", "textlocal", "textmagic", "theoddsapi",
    "thinkific", "thousandeyes", "ticketmaster", "tickettailor", "tiingo", "tiktokads", "timecamp",
    "timescale", "timezoneapi", "tmdb", "tmetric", "todoist", "togetherai", "toggltrack", "tokeet",
    "tomorrowio", "tomtom", "trackingmore", "tradier", "transferwise", "travelpayouts", "travisci", "trello",
    "trelloapikey", "twelvedata", "twilio", "twiliosendgrid", "twitch", "tyntec", "typeform", "typesense",
    "typetalk", "ubidots", "uclassify", "unifyid", "unplugg", "unsplash", "upcdatabase", "upcloud", "uplead",
    "uploadcare", "upstash", "uptimerobot", "upwave", "urlhaus", "urlscan", "userflow", "userstack", "vanta",
    "vatlayer", "vbout", "vercel", "verimail", "veriphone", "versioneye", "viewneo", "virustotal",
    "visualcrossing", "voiceflow", "voicegain", "vonage", "voodoosms", "vouchery", "voyageai", "vpnapi",
    "vultr", "vultrapi", "vyte", "wakatime", "walkscore", "wandb", "wavefront", "wazuh", "weatherbit",
    "weatherstack", "weaviate", "webscraper", "webscraping", "websitepulse", "wepay", "what3words", "whoxy",
    "wistia", "workday", "workosapi", "worksnaps", "workstack", "worldcoinindex", "worldpay", "worldweather",
    "wrike", "xero", "yelp", "youneedabudget", "yousign", "youtubeapikey", "zapierwebhook", "zendesk",
    "zendeskapi", "zenkitapi", "zenrows", "zenscrape", "zenserp", "zenvia", "zeplin", "zerobounce",
    "zerotier", "zilliz", "zipapi", "zipbooks", "zipcodeapi", "zipcodebase", "zohocrm", "zonka",
    "zonkafeedback", "zoomeye", "zulip", "zulipchat",
];

/// Common words, and names beside which hashes and ids stand too. Sorted.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "ably", "access", "adobe", "affirm", "agora", "airbnb", "akamai", "alchemy", "alibaba", "aliyun",
    "amadeus", "amazon", "apex", "apollo", "apple", "asana", "auth", "auth0", "autopilot", "aws", "azure",
    "bitbucket", "bitly", "blogger", "bot", "box", "braintree", "canva", "chatbot", "check", "checkout",
    "chroma", "cicero", "circle", "civo", "clerk", "cloudflare", "codecov", "column", "confluence",
    "contentful", "copper", "courier", "daily", "dandelion", "demio", "deputy", "discord", "ditto", "docker",
    "dockerhub", "drone", "dropbox", "duo", "ebay", "elastic", "enigma", "envoy", "eraser", "etsy",
    "facebook", "fastly", "fauna", "figma", "finch", "firebase", "fixer", "flat", "fleet", "float", "front",
    "gcp", "gemini", "geocode", "ghost", "git", "gitea", "github", "gitlab", "google", "harvest", "heap",
    "host", "hubspot", "hunter", "ibm", "impala", "instagram", "jenkins", "jfrog", "jira", "juro", "jwt",
    "kanban", "kraken", "kubernetes", "lark", "linear", "linkedin", "mailchimpapp", "mapbox", "maps", "merge",
    "meta", "microsoft", "miro", "modal", "monday", "mongodb", "mux", "nasa", "neon", "netflix", "nimble",
    "nitro", "notion", "npm", "nuget", "oauth", "oracle", "outlook", "packet", "paddle", "parse", "paypal",
    "persona", "pinterest", "polygon", "prefect", "pypi", "quickbooks", "rancher", "raven", "readme",
    "reddit", "redis", "refiner", "riot", "salesforce", "segment", "semaphore", "sentry", "service", "shippo",
    "shopee", "shortcut", "skype", "slack", "snapchat", "sonar", "sonarqube", "sonatype", "splunk", "spotify",
    "square", "stackoverflow", "steam", "streak", "stripe", "sumo", "swell", "tableau", "tailscale", "tatum",
    "teams", "teamwork", "telegram", "telnyxapi", "terraform", "tiktok", "together", "travis", "trustpilot",
    "tumblr", "twist", "twitter", "uber", "unleash", "vault", "venafi", "vimeo", "webex", "wechat", "weibo",
    "wise", "wix", "woocommerce", "wordpress", "yahoo", "yandex", "youtube", "zapier", "zoho", "zoom",
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
        for (list, said) in [(TELLING, Name::Telling), (COMMON, Name::Common)] {
            for name in list {
                assert_eq!(named(name.as_bytes()), Some(said), "{name}");
            }
        }
    }
}
