select user_agent from pragma_user_agent()
