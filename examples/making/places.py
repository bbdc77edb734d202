"""The regions of Yunnan that the samples need, and eight invented projects in them."""

from making.numbers import firm_code

PROVINCE = ("530000", "云南省", None)

# Prefecture, and how many projects the province counts there in its notice of March 2023: 4,704 in all.
PREFECTURES = [
    ("530100", "昆明市", 792), ("530300", "曲靖市", 302), ("530400", "玉溪市", 338), ("530500", "保山市", 226),
    ("530600", "昭通市", 283), ("530700", "丽江市", 361), ("530800", "普洱市", 290), ("530900", "临沧市", 153),
    ("532300", "楚雄彝族自治州", 316), ("532500", "红河哈尼族彝族自治州", 388), ("532600", "文山壮族苗族自治州", 200),
    ("532800", "西双版纳傣族自治州", 208), ("532900", "大理白族自治州", 449), ("533100", "德宏傣族景颇族自治州", 263),
    ("533300", "怒江傈僳族自治州", 37), ("533400", "迪庆藏族自治州", 98),
]

COUNTIES = [
    ("530111", "官渡区", None), ("530302", "麒麟区", None), ("530402", "红塔区", None), ("530502", "隆阳区", None),
    ("530902", "临翔区", None), ("530921", "凤庆县", None), ("530922", "云县", None), ("530923", "永德县", None),
    ("530924", "镇康县", None), ("530925", "双江拉祜族佤族布朗族傣族自治县", None), ("530926", "耿马傣族佤族自治县", None),
    ("530927", "沧源佤族自治县", None), ("532901", "大理市", None),
]

# County, project, contractor, bank, special account.
PROJECTS = [
    ("530902", "临翔区滨河片区安置房样例项目", "临沧翠屿样例建设有限公司", "qingshan", "530900100000261017"),
    ("530926", "耿马县孟定镇卫生院迁建样例工程", "云南澜沧江样例建筑工程有限公司", "bishui", "7309260026100023"),
    ("530921", "凤庆县茶山小学教学楼样例工程", "凤庆茶岭样例建筑有限公司", "bishui", "7309210026100031"),
    ("530111", "官渡区云溪地块住宅样例项目", "昆明滇池样例建设集团有限公司", "qingshan", "530100100000261041"),
    ("530302", "麒麟区珠源污水处理厂样例工程", "曲靖珠源样例市政工程有限公司", "qingshan", "530300100000261058"),
    ("530402", "红塔区溪山公园管廊样例工程", "玉溪抚仙样例建工有限公司", "bishui", "7304020026100066"),
    ("532901", "大理市海东客运站样例项目", "大理苍洱样例路桥有限公司", "qingshan", "532900100000261074"),
    ("530502", "隆阳区永昌片区老旧小区改造样例项目", "保山永昌样例建筑有限公司", "bishui", "7305020026100082"),
]


def regions():
    """Every region as the gateway imports it."""
    return [
        {"code": code, "name": name, "base_projects": base}
        for code, name, base in [PROVINCE, *PREFECTURES, *COUNTIES]
    ]


def projects():
    """Every project as the gateway imports it."""
    return [project(serial, *row) for serial, row in enumerate(PROJECTS, 1)]


def project(serial, county, name, contractor, bank, account):
    """One project; the name of its special account is put together as the rules of 2021 say."""
    return {
        "code": f"{county}202610001",
        "name": name,
        "region": county,
        "contractor_uscc": firm_code(county, serial),
        "contractor": contractor,
        "bank": bank,
        "account": account,
        "account_name": f"{contractor}{name}农民工工资专用账户",
    }
